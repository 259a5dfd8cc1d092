/* Whether this browser has what the pages need, in one sentence if not. In words that old browsers read too: it is no module, and runs first. */
(function () {
  function needed() {
    if (!window.fetch || !window.Promise) return "fetch";
    if (!window.Worker || !window.Blob || !window.URL || !URL.createObjectURL) return "workers";
    if (!window.DecompressionStream) return "DecompressionStream";
    if (!window.ResizeObserver || !Array.prototype.at || !window.structuredClone) return "scripts of 2022";
    if (!window.CSS || !CSS.supports("color", "color-mix(in srgb, red, blue)")) return "color-mix";
    return "";
  }
  /** @param {string} lacks */
  function say(lacks) {
    var place = document.getElementById("unfit"), loading = document.querySelector(".loading");
    if (!place) return;
    place.textContent = String(place.getAttribute("data-words")).replace("{missing}", lacks);
    place.hidden = false;
    if (loading && loading.parentNode) loading.parentNode.removeChild(loading);
  }
  var missing = needed();
  if (missing) say(missing);
  window.addEventListener("error", function (event) { // a script that cannot even be read
    if (event.error instanceof SyntaxError) say("scripts of 2022");
  });
})();
