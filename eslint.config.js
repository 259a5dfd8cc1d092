import js from "@eslint/js";

const names = (text) => Object.fromEntries(text.split(" ").map((name) => [name, "readonly"]));
const top = (selector) => `:matches(Program, ExportNamedDeclaration) > VariableDeclaration${selector}`;

export default [
  js.configs.recommended,
  {
    files: ["adrec/browser/**/*.js"],
    languageOptions: {
      globals: names(
        "window document AbortController devicePixelRatio getComputedStyle matchMedia performance atob btoa console Worker fetch setTimeout clearTimeout clearInterval "
        + "requestAnimationFrame cancelAnimationFrame Blob CustomEvent DecompressionStream Response HTMLCanvasElement Image ImageData DOMRect Element ResizeObserver TextDecoder URL URLSearchParams XMLSerializer self",
      ),
    },
    rules: {
      eqeqeq: "error",
      "no-shadow": "error",
      "no-var": "error",
      "prefer-const": ["error", { destructuring: "all" }],
      "no-restricted-syntax": ["error", // what adrec/browser/pack.py cannot pack
        { selector: top("[declarations.length>1]"), message: "Declare one name at a time at top level." },
        { selector: top(" > VariableDeclarator[id.type!='Identifier']"), message: "Declare a name at top level, no pattern." },
        { selector: "ExportDefaultDeclaration, ExportAllDeclaration, ImportDefaultSpecifier, ImportNamespaceSpecifier", message: "Import and export by name." },
      ],
    },
  },
  { // for browsers of any age
    files: ["adrec/browser/site/fits.js"],
    languageOptions: { sourceType: "script", globals: names("CSS") },
    rules: { "no-var": "off" },
  },
  { files: ["tests/browser_code/*.js"], languageOptions: { globals: names("AbortController TextEncoder URL atob btoa") } },
];
