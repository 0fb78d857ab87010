// Runs before anything else: language and theme of the last visit, else the browser's.
(() => {
  const read = (key) => { try { return JSON.parse(localStorage.getItem("studio." + key)); } catch (error) { return null; } };
  const root = document.documentElement;
  const spoken = navigator.languages?.length ? navigator.languages : [navigator.language || "en"];
  const known = spoken.map((name) => name.toLowerCase().slice(0, 2)).find((name) => name === "zh" || name === "en");
  const language = read("language") || known || "en";
  const dark = window.matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.lang = language;
  root.lang = language === "zh" ? "zh-CN" : "en";
  root.dataset.theme = read("theme") || (dark ? "dark" : "light");
  // The stylesheet comes with Gradio, a second later: no flash of the wrong colour until then.
  root.style.background = root.dataset.theme === "dark" ? "#151210" : "#F8F4ED";
  // Gradio asks the browser for its language and has no other way to be told.
  const locale = root.lang;
  Object.defineProperty(navigator, "language", { get: () => locale, configurable: true });
  Object.defineProperty(navigator, "languages", { get: () => [locale], configurable: true });
})();
