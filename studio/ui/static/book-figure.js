// The figure of the formula under the prompt: which elements it has and lacks, and one hint at a time.
((B) => {
  const { S, $, ICONS, t, pick, escape, icon, mainOf } = B;

  B.takeFigure = (strip) => {
    strip.innerHTML = '<div class="bkdeal"></div><div class="bkfigure"></div><button type="button" hidden data-do="back"></button>';
    strip.addEventListener("click", onClick);
    B.drawDeal();
  };

  B.refreshFigure = () => {
    const place = B.strip && $(".bkfigure", B.strip), open = B.open;
    if (!place || !B.known) return;
    const there = S.elements(B.textOf("prompt"), B.known);
    if (B.styles().length) there.add("style");
    const quiet = open.off || !B.textOf("prompt").trim();
    const hinted = quiet ? null : window.studio.phrases.HINTS.find((one) => !there.has(one) && !open.quiet.includes(one) && firstOf(one));
    const glyphs = window.studio.phrases.ELEMENTS.map((one) => glyphHtml(one, there.has(one), one === hinted)).join("");
    const html = open.off ? offHtml() : `<div class="ana">${glyphs}</div>${hintHtml(hinted)}`;
    if (B.strip.dataset.drawn === html) return;
    const focus = place.contains(document.activeElement) ? document.activeElement.dataset.element : null;
    place.innerHTML = html;
    B.strip.dataset.drawn = html;
    if (focus) $(`[data-element="${focus}"]`, place)?.focus();
  };
  const chapterOf = (element) => B.chapters().find((one) => one.part === "formula" && one.element === element);
  const firstOf = (element) => B.known.spells.find((spell) => spell.chapter === chapterOf(element)?.id);

  function glyphHtml(element, there, hinted) {
    const state = there ? "present" : hinted ? "hinted" : "missing";
    const name = t("book.element." + element), one = chapterOf(element);
    return `<button type="button" data-element="${element}" class="${state}" title="${one ? escape(pick(one.note)) : ""}" aria-label="${t("book." + state, { element: name })}"><span>${icon(ICONS[element])}</span>${name}</button>`;
  }
  function hintHtml(element) {
    const hide = `<button type="button" class="mini" data-hint="off">${t("book.hide")}</button>`;
    if (!element) return `<div class="hint quiet"><span class="sp"></span>${hide}</div>`;
    return `<div class="hint"><span>${t("book.lacks." + element)}</span><button type="button" class="btn sm try" data-hint="try" data-for="${element}">${icon("plus")}${escape(mainOf(firstOf(element)))}</button><span class="sp"></span><button type="button" class="mini" data-hint="dismiss" data-for="${element}">${t("book.dismiss")}</button>${hide}</div>`;
  }
  const offHtml = () => `<div class="hint quiet"><button type="button" class="mini" data-hint="on">${t("book.show")}</button></div>`;

  function onClick(event) {
    const glyph = event.target.closest("[data-element]"), button = event.target.closest("[data-hint]");
    if (B.onDeal(event)) return;
    if (glyph) return turnTo(glyph.dataset.element);
    if (!button) return;
    const { hint, for: element } = button.dataset;
    if (hint === "try") B.putIn(firstOf(element), "prompt");
    if (hint === "dismiss") B.open.quiet = [...B.open.quiet, element];
    if (hint === "off" || hint === "on") Object.assign(B.open, { off: hint === "off", quiet: [] });
    B.done();
  }

  function turnTo(element) {
    const one = chapterOf(element);
    if (one) Object.assign(B.open, { chapter: one.id, pane: "spells" });
    B.query = "";
    B.draw();
    B.show();
    if (B.place) $(".bkpane", B.place)?.scrollIntoView({ block: "nearest" });
    B.keep();
  }
})(window.studio.book);
