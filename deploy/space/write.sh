#!/bin/sh
# deploy/space/write.sh FOLDER: fills the folder of a Hugging Face Space (a git repository with the SDK "docker") with what it needs of the last commit.
set -e
folder=$(cd "$1" && pwd)
cd "$(dirname "$0")/../.."
git archive HEAD adrec app pages assets deploy LICENSE | tar --extract --directory "$folder"
cp deploy/space/README.md "$folder/README.md"
cp deploy/Dockerfile.dockerignore "$folder/.dockerignore"
cat deploy/Dockerfile - > "$folder/Dockerfile" <<'END'
# A Space is shown in a frame of another site, whose pages get no cookies. What the cookie stops, pages of other sites, app/serving/origins.py turns away.
ENV STREAMLIT_SERVER_ENABLE_XSRF_PROTECTION=false
CMD ["app", "--no-browser", "--public", "--host", "*.hf.space"]
END
