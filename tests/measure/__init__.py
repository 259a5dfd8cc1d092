"""Scripts that make figures and bundled files; with the tests, whose helpers they use, because neither is part of what is installed.

Run each from the repository's root as ``python -m tests.measure.NAME``; its first lines say what it takes.

What is bundled (``make assets``):
    picture         docs/stages.svg: the README's picture of a run's stages
    derived         the maps, verdicts and figures over all users that the bundled runs come with
    titles          title, purpose and question of the bundled runs, and their run.json in today's format
    growth_picture  docs/growth.svg, from what ``adrec bench --growth --json`` prints
What is bundled, after hours of training:
    ml_1m           MovieLens-1M as one prepared data set
    lesson_runs     what lesson_results needs of each training behind the lesson, measured once
    lesson_results  assets/lesson/results.json: the lesson's figures
Figures in docs/:
    results_document  RESULTS.md: the sections of experiments/*.toml, by one command
    results         RESULTS.md: metrics and tables of runs, differences with their standard errors
    bursts          RESULTS.md: who is helped by models that count, by the time between ratings
    lesson_tables   RESULTS.md: the narrow table, its controls, the cells, the leave-outs and λ, from the lesson's figures
    monitor         MONITOR.md: what a monitor costs a training loop
    noise_weight    RESULTS.md: what the noise weight does, over seeds
    verdict         VERDICT.md: how often the verdict is right
    meaning         VERDICT.md: what share of a plain factorisation real tables reach, whole and broken
    joins           VERDICT.md: how often the right join of rows and items is found
    million         SCALING.md: a catalogue of a million items, and the sampled loss
    prepare         SCALING.md: 20 million interactions prepared and opened
    classroom       OPERATIONS.md: a class of a hundred phones and its presenter
    lesson_times    PERFORMANCE.md: how large and how fast the lesson is, in Chromium
    page_times      PERFORMANCE.md: pages and the scrubber in Chromium
    map_times       PERFORMANCE.md: the linked maps of many items in Chromium
    own_times       PERFORMANCE.md: a newcomer's way to a verdict in Chromium
    browser_engine  PERFORMANCE.md: the model in the browser against Python, and its answers in Chromium
    umap_times      PERFORMANCE.md: what UMAP costs
    soak            OPERATIONS.md: hours of a server under viewers and a training
    attack          OPERATIONS.md: what attacks on a public server get
    visitor         for attack and waiting: a page's messages without a browser
    waiting         OPERATIONS.md: what following a long queue costs
    soak_picture    docs/soak.svg, from what soak writes
    diagnosis_times PERFORMANCE.md: what a diagnosis with interactions costs, part by part
    company         PERFORMANCE.md: how much a model's lists depend on who else is asked about
    plain           RESULTS.md: adrec.paper beside the fast path
    alignment       MAPS.md: ways of laying several tables out in one frame

The package ``verdict_set`` is several scripts, which ``make verdict-set`` runs: tables trained with other libraries, for VERDICT.md.
"""
