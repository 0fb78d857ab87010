// The spellbook's tab and the formula's figure: what is shown of the book, and what clicks do to the two prompts.
// All of it happens in the page; only a scene asks the server, as it sets the rest of the form too.
window.studio.book = (() => {
  const S = window.studio.spells, root = document.documentElement;
  const $ = (query, from = document) => from.querySelector(query);
  const $$ = (query, from = document) => [...from.querySelectorAll(query)];
  const SIDES = ["prompt", "negative"];
  const EXAMPLES = { en: "soft light / 软光 / ruanguang", zh: "软光 / ruanguang / soft light" };
  const MOST_FOUND = 80, LONG_PRESS = 250;
  const ICONS = { // by chapter first, by element else
    animals: "paw-print", plants: "flower-2", vehicles: "car", things: "box", landscapes: "mountain", mythical: "wand-sparkles",
    magic: "wand-sparkles", "tails-wings-horns": "feather", buildings: "building", food: "utensils", person: "user", role: "user", expression: "smile",
    face: "smile", hair: "scissors", clothing: "shirt", shoes: "footprints", pose: "person-standing", ornaments: "gem",
    medium: "paintbrush", subject: "scan", detail: "sparkles", action: "footprints", place: "mountain", colour: "palette",
    light: "sun-medium", framing: "crop", style: "feather", clarity: "aperture", painter: "brush", camera: "aperture",
    platform: "share-2", modifier: "sparkles", negative: "ban",
  };
  // Which gap is spoken of first: what a beginner's prompt gains most from.
  const HINTS = ["subject", "light", "style", "place", "colour", "medium", "detail", "action", "framing", "clarity"];

  let known = null, asked = null; // the book, and the promise of it
  let parts = { prompt: [""], negative: [""] };
  let place = null, strip = null; // the tab's element and the figure's
  let query = "", picked = null, offer = null, dragging = null;
  let open = { pane: "spells", chapter: "", locked: [], dragged: false, quiet: [], off: false };

  // -- words --------------------------------------------------------------------------------------------------
  const lang = () => (root.dataset.lang === "zh" ? "zh" : "en");
  const pick = (pair) => pair[lang() === "zh" ? 1 : 0];
  const escape = (text) => text.replace(/[&<>"]/g, (sign) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[sign]);
  const t = (key, params = {}) => (window.studio_words?.[key]?.[lang()] ?? key).replace(/\{(\w+)\}/g, (whole, name) => (name in params ? escape(String(params[name])) : whole));
  const mainOf = (spell) => (lang() === "zh" ? spell.name : spell.en);
  const secondOf = (spell) => (lang() === "zh" ? spell.en : spell.name);
  const icon = (name) => `<i class="bi" style="--i:url(assets-studio/icons/${name}.svg)"></i>`;
  const tipped = (key) => `<span class="tip">${t(key)}</span>`;
  const numbered = (weight) => String(Math.round(weight * 100) / 100).replace(/^(\d+)$/, "$1.0");

  // -- kept in this browser -------------------------------------------------------------------------------------
  function kept() {
    try { return JSON.parse(localStorage.getItem("studio.book")) || {}; } catch (error) { return {}; }
  }
  function keep() {
    try { localStorage.setItem("studio.book", JSON.stringify({ open, parts })); } catch (error) { /* private windows may refuse */ }
  }
  const begun = new Set(); // the sides whose text has been seen
  function begin(side, text) { // what was clicked on the last visit is still known, if the text is the same
    const was = kept().parts?.[side];
    begun.add(side);
    return Array.isArray(was) && S.render(was) === text ? was : S.fromText(text);
  }

  // -- the two prompts ------------------------------------------------------------------------------------------
  const box = (side) => $(`#${side} textarea`);
  // The negative prompt has no field while its fold is closed: then the form tells it, and is told of it.
  let told = { negative: null, awaited: null, since: 0 };
  const textOf = (side) => box(side)?.value ?? (side === "negative" ? told.negative : "");
  function heardNegative(text) {
    if (typeof text !== "string") return;
    if (told.awaited !== null && text !== told.awaited && Date.now() - told.since < 3000) return; // an older one
    told = { negative: text, awaited: null, since: 0 };
  }
  function tellNegative(text) {
    told = { negative: text, awaited: text, since: Date.now() };
    $("[data-do=negative]", place)?.click();
  }
  const data = () => strip?.dataset || {}; // what the server tells of form and model
  function speech(spell) { // the language the model reads, the page's where it reads both
    const reads = (data().languages || "en").split(" ");
    return spell[reads.includes(lang()) ? lang() : reads[0] === "zh" ? "zh" : "en"];
  }
  const home = (spell) => (spell.part === "negative" ? "negative" : "prompt");
  const sideOf = (key) => SIDES.find((side) => S.has(parts[side], key, known));

  let writing = false; // whoever writes draws afterwards
  function hear() { // what was typed, or filled in from elsewhere
    if (!known || writing) return;
    let changed = false;
    for (const side of SIDES) {
      const text = textOf(side);
      if (text === null) continue;
      const next = begun.has(side) ? S.sync(parts[side], text, known) : begin(side, text);
      changed ||= next !== parts[side];
      parts[side] = next;
    }
    if (changed && begun.size === SIDES.length) keep();
    refresh();
  }

  function write(side, next) {
    if (next === parts[side]) return;
    parts[side] = next;
    const field = box(side), text = S.render(next);
    if (!field && side === "negative") tellNegative(text);
    if (field && field.value !== text) {
      writing = true;
      field.value = text;
      field.dispatchEvent(new Event("input", { bubbles: true }));
      writing = false;
    }
  }

  function toggle(spell) {
    const side = sideOf(spell.key);
    offer = null;
    if (side) write(side, S.takeOut(parts[side], spell.key, known));
    else putIn(spell, home(spell));
    done();
  }

  function putIn(spell, side) {
    const there = spell.one ? SIDES.flatMap((one) => S.chosen(parts[one], known)).map((term) => term.spell) : [];
    const rivals = [...new Set(there)].filter((one) => one !== spell && one.group === spell.group && one.chapter === spell.chapter);
    const next = S.putIn(parts[side], spell, speech(spell), known, !open.dragged);
    if (next === parts[side]) return say(t("book.blend"));
    write(side, next);
    if (rivals.length) offer = { spell, rivals };
  }

  function weigh(key, by) {
    const side = sideOf(key), term = side && S.chosen(parts[side], known).find((one) => one.key === key);
    if (!term) return;
    write(side, S.weigh(parts[side], key, S.step(term.weight, by), known));
    done();
  }

  function across(key) {
    const from = sideOf(key), to = SIDES.find((side) => side !== from), spell = known.byKey.get(key);
    const next = S.putIn(parts[to], spell, speech(spell), known, !open.dragged);
    if (next === parts[to]) return say(t("book.blend"));
    write(from, S.takeOut(parts[from], key, known));
    write(to, next);
    picked = null;
    done();
  }

  function move(side, from, to) {
    open.dragged = true;
    write(side, S.move(parts[side], from, to, known));
    if (picked) picked = { side, at: to };
    done();
  }

  function clear() { // what was typed stays, and what is locked
    for (const side of SIDES)
      for (const term of S.chosen(parts[side], known))
        if (term.own && !open.locked.includes(term.key)) write(side, S.takeOut(parts[side], term.key, known));
    Object.assign(open, { dragged: false });
    [picked, offer] = [null, null];
    done();
  }

  function lock(key) {
    open.locked = open.locked.includes(key) ? open.locked.filter((one) => one !== key) : [...open.locked, key];
    done();
  }

  function done() { keep(); refresh(); }
  function say(text) {
    const shelf = $(".toasts");
    if (!shelf) return;
    shelf.innerHTML = `<div class="toast" role="status">${text}</div>`;
    setTimeout(() => shelf.replaceChildren(), 3500);
  }

  // -- drawing: the whole tab once, then only what changed --------------------------------------------------------
  function draw() {
    if (!place || !known) return;
    place.innerHTML = `<div class="bkchosen"></div>${searchField()}<div class="bkpanes" role="tablist">${panes()}</div><div class="bkpane"></div><button type="button" hidden data-do="negative"></button>`;
    drawPane();
    refresh();
  }

  function searchField() {
    return `<div class="bkfind">${icon("search")}<input type="search" placeholder="${EXAMPLES[lang()]}" aria-label="${t("book.search_label")}"
      value="${escape(query)}" autocomplete="off" spellcheck="false" enterkeyhint="search"><kbd class="kbd">/</kbd><button type="button" class="ib bare sm" data-tool="forget">${icon("x")}${tipped("book.forget")}</button></div>`;
  }

  function panes() {
    // Styles need the form's own field, which keeps them.
    const all = ["spells", "scenes", "styles"].filter((name) => name === "spells" || (known.book[name].length && (name === "scenes" || stylesBox())));
    return all.map((name) => `<button type="button" role="tab" data-pane="${name}" aria-selected="${name === open.pane}">${t("book." + name)}</button>`).join("");
  }

  function drawPane() {
    const pane = $(".bkpane", place);
    $$("[data-pane]", place).forEach((tab) => tab.setAttribute("aria-selected", String(tab.dataset.pane === open.pane && !query)));
    pane.className = "bkpane " + (query ? "found" : open.pane);
    if (query) pane.innerHTML = foundHtml();
    else if (open.pane === "scenes") pane.innerHTML = scenesHtml();
    else if (open.pane === "styles") pane.innerHTML = stylesHtml();
    else pane.innerHTML = `<nav class="bknav" aria-label="${t("book.chapters")}">${chaptersHtml()}</nav><div class="bkshelf">${chapterHtml()}</div>`;
    showChapter();
  }
  function showChapter() { // by hand: scrollIntoView would move the page as well
    const nav = $(".bknav", place), now = nav && $("[aria-current=true]", nav);
    if (!now) return;
    nav.scrollTop = now.offsetTop - nav.offsetTop - (nav.clientHeight - now.offsetHeight) / 2;
    nav.scrollLeft = now.offsetLeft - nav.offsetLeft - (nav.clientWidth - now.offsetWidth) / 2;
  }

  const chapters = () => known.book.chapters;
  const chapter = () => chapters().find((one) => one.id === open.chapter) || chapters().find((one) => one.element === "light") || chapters()[0];
  const iconOf = (one) => ICONS[one.id] || ICONS[one.part === "negative" ? "negative" : one.element] || "book-open";

  function chaptersHtml() {
    return S.PARTS.map((part) => {
      const own = chapters().filter((one) => one.part === part);
      const rows = own.map((one) => `<button type="button" data-chapter="${one.id}" aria-current="${one === chapter()}">${icon(iconOf(one))}<span>${escape(pick(one.title))}</span><em></em></button>`);
      return own.length ? `<h6>${t("book.part." + part)}</h6>${rows.join("")}` : "";
    }).join("");
  }

  function chapterHtml() {
    const one = chapter();
    if (!one) return "";
    const head = `<header>${icon(iconOf(one))}<h3>${escape(pick(one.title))}</h3><p>${escape(pick(one.note))}</p></header>`;
    return head + one.groups.map((group) => groupHtml(one, group)).join("");
  }

  function groupHtml(one, group) {
    const spells = known.spells.filter((spell) => spell.chapter === one.id && spell.group === group.id);
    const only = group.one ? `<small>${t("book.one")}</small>` : "";
    return `<section data-group="${group.id}"><h4>${escape(pick(group.title))}${only}</h4><div class="bktags">${spells.map(tagHtml).join("")}</div></section>`;
  }

  function tagHtml(spell) {
    const second = secondOf(spell) === mainOf(spell) ? "" : `<small lang="${lang() === "zh" ? "en" : "zh-CN"}">${escape(secondOf(spell))}</small>`;
    return `<div class="bktag" data-spell="${spell.at}"><button type="button" class="tb" aria-pressed="false"><span>${escape(mainOf(spell))}</span>${second}</button></div>`;
  }

  function foundHtml() {
    const found = S.search(known, query);
    if (!found.length) return `<p class="bknone">${t("book.nothing", { text: query })}</p>`;
    const title = found.length > MOST_FOUND ? t("book.found_first", { n: MOST_FOUND, all: found.length }) : t("book.found", { n: found.length });
    return `<div class="bkshelf"><section><h4>${title}</h4><div class="bktags">${found.slice(0, MOST_FOUND).map(tagHtml).join("")}</div></section></div>`;
  }

  // -- what changes with the prompt -------------------------------------------------------------------------------
  function refresh() {
    if (!known) return;
    const chosen = Object.fromEntries(SIDES.map((side) => [side, S.chosen(parts[side], known)]));
    if (place && $(".bkchosen", place)) {
      refreshTags(chosen);
      refreshChosen(chosen);
      refreshCounts(chosen);
      refreshCards();
    }
    refreshStrip();
    badge(chosen.prompt.length);
  }

  function refreshTags(chosen) {
    const lit = new Map();
    for (const side of SIDES) for (const term of chosen[side]) if (!lit.has(term.key)) lit.set(term.key, { term, side });
    const said = S.mentions(besides(chosen.prompt), known);
    for (const tag of $$(".bktag", place)) {
      const spell = known.spells[tag.dataset.spell], now = lit.get(spell.key);
      const mark = now ? `${now.side} ${now.term.weight} ${open.locked.includes(spell.key)}` : said.has(spell) ? "said" : "";
      if ((tag.dataset.mark || "") !== mark) remark(tag, spell, now, mark);
    }
  }

  function besides(terms) { // the words that are no spell of their own
    let text = S.render(parts.prompt);
    for (const term of terms) text = text.slice(0, term.from) + ",".repeat(term.to - term.from) + text.slice(term.to);
    return text;
  }

  function remark(tag, spell, now, mark) {
    tag.dataset.mark = mark;
    tag.classList.toggle("on", Boolean(now));
    tag.classList.toggle("said", mark === "said");
    $(".tb", tag).setAttribute("aria-pressed", String(Boolean(now)));
    const focus = tag.contains(document.activeElement) ? document.activeElement.dataset.by : null;
    $$(".st,.bi", tag).forEach((old) => old.remove());
    if (!now) { if (focus) $(".tb", tag).focus(); return; }
    const other = now.side !== home(spell) ? icon("ban") : "", locked = open.locked.includes(spell.key) ? icon("lock") : "";
    $(".tb", tag).insertAdjacentHTML("beforeend", other + locked);
    tag.insertAdjacentHTML("beforeend", stepper(now.term.weight, spell));
    if (focus) ($(`[data-by="${focus}"]:not(:disabled)`, tag) || $(".tb", tag)).focus();
  }

  function stepper(weight, spell) {
    const button = (by, sign, key, off) => `<button type="button" data-by="${by}" aria-label="${t(key, { spell: mainOf(spell) })}"${off ? " disabled" : ""}>${icon(sign)}</button>`;
    return `<span class="st">${button(-1, "minus", "book.lighter", weight <= S.LEAST)}<b class="num">${numbered(weight)}</b>${button(1, "plus", "book.heavier", weight >= S.MOST)}</span>`;
  }

  function refreshChosen(chosen) {
    const card = $(".bkchosen", place), all = SIDES.flatMap((side) => chosen[side]);
    const negative = chosen.negative.filter((term) => term.own || chapter()?.part === "negative" && open.pane === "spells");
    const focus = card.contains(document.activeElement) ? keyOf(document.activeElement) : null;
    const scrolled = $(".chips", card)?.scrollLeft;
    card.hidden = false;
    card.innerHTML = headHtml(chosen.prompt.length, all) + rowHtml("prompt", chosen.prompt) + (negative.length ? rowHtml("negative", chosen.negative) : "") + offerHtml() + toolsHtml(chosen);
    if (scrolled) $(".chips", card).scrollLeft = scrolled;
    if (focus) (card.querySelector(focus) || $(".tbx", card))?.focus({ preventScroll: true });
  }
  function keyOf(element) {
    if (element.dataset.tool) return `[data-tool="${element.dataset.tool}"]`;
    const chip = element.closest(".ct");
    return chip ? `.ct[data-side="${chip.dataset.side}"][data-at="${picked?.at ?? chip.dataset.at}"] .cb` : null;
  }

  function headHtml(count, all) {
    const own = all.some((term) => term.own && !open.locked.includes(term.key));
    const order = open.dragged || !all.some((term) => term.own) ? "book.your_order" : "book.formula_order";
    const clear = own ? `<button type="button" class="ib bare sm" data-tool="clear">${icon("trash-2")}${tipped("book.clear")}</button>` : "";
    return `<div class="bkhead"><b>${t("book.chosen", { n: count })}</b><span>${count ? t(order) : t("book.none_chosen")}</span><span class="sp"></span>${clear}</div>`;
  }

  function rowHtml(side, terms) {
    if (!terms.length) return "";
    const label = side === "negative" ? `<h5>${icon("ban")}${t("book.part.negative")}</h5>` : "";
    return `${label}<div class="chips" role="list" data-side="${side}">${terms.map((term, at) => chipHtml(side, term, at)).join("")}</div>`;
  }

  function chipHtml(side, term, at) {
    const on = picked?.side === side && picked.at === at;
    const weight = Math.abs(term.weight - 1) > 1e-6 ? `<em class="num">×${numbered(term.weight)}</em>` : "";
    const locked = open.locked.includes(term.key) ? icon("lock") : "";
    return `<div class="ct${on ? " on" : ""}" role="listitem" data-side="${side}" data-at="${at}" data-key="${escape(term.key)}">
      <button type="button" class="cb" aria-expanded="${on}">${icon("grip-vertical")}<span>${escape(mainOf(term.spell))}</span>${weight}${locked}</button></div>`;
  }

  function toolsHtml(chosen) {
    const term = picked && chosen[picked.side][picked.at];
    if (!term) { picked = null; return ""; }
    const last = chosen[picked.side].length - 1, locked = open.locked.includes(term.key);
    const tool = (name, sign, key, off = false) => `<button type="button" class="ib sm tbx" data-tool="${name}"${off ? " disabled" : ""}>${icon(sign)}${tipped(key)}</button>`;
    return `<div class="bktools" role="group" aria-label="${escape(mainOf(term.spell))}">${tool("lighter", "minus", "book.weigh_less", term.weight <= S.LEAST)}<b class="num">${numbered(term.weight)}</b>${tool("heavier", "plus", "book.weigh_more", term.weight >= S.MOST)}<span class="cut"></span>${
      tool("earlier", "arrow-left", "book.earlier", picked.at === 0)}${tool("later", "arrow-right", "book.later", picked.at === last)}<span class="cut"></span>${
      tool("across", picked.side === "prompt" ? "ban" : "rotate-ccw", picked.side === "prompt" ? "book.to_negative" : "book.to_prompt")}${
      tool("lock", locked ? "lock" : "lock-open", locked ? "book.unlock" : "book.lock")}<span class="sp"></span>${tool("remove", "x", "book.remove")}</div>`;
  }

  function refreshCounts(chosen) {
    const counts = {};
    for (const side of SIDES) for (const term of chosen[side]) counts[term.spell.chapter] = (counts[term.spell.chapter] || 0) + 1;
    for (const row of $$("[data-chapter]", place)) $("em", row).textContent = counts[row.dataset.chapter] || "";
  }

  function offerHtml() { // a group of which one is best: the first can give way to the second
    const rivals = offer && sideOf(offer.spell.key) ? offer.rivals.filter((one) => sideOf(one.key)) : [];
    offer = rivals.length ? { ...offer, rivals } : null;
    if (!offer) return "";
    const names = offer.rivals.map(mainOf).map(escape).join(lang() === "zh" ? "、" : ", ");
    return `<div class="bkoffer"><span>${t("book.replace_hint").replace("{old}", names).replace("{new}", escape(mainOf(offer.spell)))}</span><button type="button" class="btn sm" data-tool="replace">${t("book.replace")}</button><button type="button" class="btn quiet sm" data-tool="both">${t("book.keep_both")}</button></div>`;
  }

  function badge(count) {
    const tab = $$("#ltabs > .tab-wrapper .tab-container:not(.visually-hidden) [role=tab]")[1];
    if (tab && count) tab.dataset.count = count; else if (tab) delete tab.dataset.count;
  }

  // -- scenes -----------------------------------------------------------------------------------------------------
  function scenesHtml() {
    return known.book.scenes.map((group) => `<section><h4>${escape(pick(group.title))}</h4><div class="bkcards">${group.scenes.map(sceneHtml).join("")}</div></section>`).join("");
  }
  function namesOf(models) { // the first two will do: the others are larger ones
    const titles = JSON.parse(data().titles || "{}");
    return models.slice(0, 2).map((one) => (titles[one] ? pick(titles[one]) : one)).join(lang() === "zh" ? "、" : ", ");
  }
  function sceneHtml(scene) {
    const wants = scene.wants || [], fits = !wants.length || [data().model, data().family].some((one) => wants.includes(one));
    const why = fits ? "" : `<em>${icon("info")}<span>${t("book.wants", { models: namesOf(wants) })}</span></em>`;
    return `<button type="button" class="bkcard" data-do="scene" data-scene="${scene.id}"><b>${escape(pick(scene.title))}</b><small>${escape(pick(scene.prompt))}</small><span class="num">${scene.aspect}</span>${why}</button>`;
  }

  function refreshCards() { // the scene whose words stand in the prompt, and the styles around it
    const worn = styles(), text = textOf("prompt").trim();
    for (const card of $$(".bkcard", place)) {
      const scene = card.dataset.scene && known.book.scenes.flatMap((group) => group.scenes).find((one) => one.id === card.dataset.scene);
      const at = worn.indexOf(card.dataset.style), on = scene ? scene.prompt.includes(text) : at >= 0;
      card.classList.toggle("on", on);
      card.setAttribute("aria-pressed", String(on));
      if (card.dataset.style) $("span", card).textContent = worn.length > 1 && on ? at + 1 : "";
    }
  }

  // -- styles -----------------------------------------------------------------------------------------------------
  const stylesBox = () => $("#styles textarea, #styles input");
  const styles = () => (stylesBox()?.value || "").split(" ").filter(Boolean);
  function stylesHtml() {
    return `<p class="bkhint">${t("book.styles_hint")}</p>` + known.book.styles.map((group) => `<section><h4>${escape(pick(group.title))}</h4><div class="bkcards">${group.styles.map(styleHtml).join("")}</div></section>`).join("");
  }
  function styleHtml(style) {
    const fits = !style.families?.length || style.families.includes(data().family);
    const why = fits ? "" : `<em>${icon("info")}<span>${t("book.wants", { models: namesOf(style.families) })}</span></em>`;
    return `<button type="button" class="bkcard" data-style="${style.id}" aria-pressed="false"><b>${escape(pick(style.title))}</b><small>${escape(pick(style.note || style.prompt).replace("{prompt}", "…"))}</small><span class="num"></span>${why}</button>`;
  }
  function wear(next) {
    const field = stylesBox();
    field.value = next.join(" ");
    field.dispatchEvent(new Event("input", { bubbles: true }));
    refresh();
  }
  const wearOrNot = (id) => wear(styles().includes(id) ? styles().filter((one) => one !== id) : [...styles(), id]);

  // -- the figure of the formula ----------------------------------------------------------------------------------
  function refreshStrip() {
    if (!strip || !known) return;
    const there = S.elements(textOf("prompt"), known);
    if (styles().length) there.add("style");
    const hinted = open.off || !textOf("prompt").trim() ? null : HINTS.find((one) => !there.has(one) && !open.quiet.includes(one) && firstOf(one));
    const glyphs = S.ELEMENTS.map((one) => glyphHtml(one, there.has(one), one === hinted)).join("");
    const html = open.off ? offHtml() : `<div class="ana">${glyphs}</div>${hintHtml(hinted)}`;
    if (strip.dataset.drawn === html) return;
    const focus = strip.contains(document.activeElement) ? document.activeElement.dataset.element : null;
    strip.innerHTML = html;
    strip.dataset.drawn = html;
    if (focus) $(`[data-element="${focus}"]`, strip)?.focus();
  }
  const chapterOf = (element) => chapters().find((one) => one.part === "formula" && one.element === element);
  const firstOf = (element) => known.spells.find((spell) => spell.chapter === chapterOf(element)?.id);

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

  function onStrip(event) {
    const glyph = event.target.closest("[data-element]"), button = event.target.closest("[data-hint]");
    if (glyph) return turnTo(glyph.dataset.element);
    if (!button) return;
    const { hint, for: element } = button.dataset;
    if (hint === "try") { putIn(firstOf(element), "prompt"); }
    if (hint === "dismiss") open.quiet = [...open.quiet, element];
    if (hint === "off" || hint === "on") Object.assign(open, { off: hint === "off", quiet: [] });
    done();
  }

  function turnTo(element) {
    const one = chapterOf(element);
    if (one) Object.assign(open, { chapter: one.id, pane: "spells" });
    query = "";
    draw();
    show();
    if (place) $(".bkpane", place)?.scrollIntoView({ block: "nearest" });
    keep();
  }
  let wanted = false; // the search shall have the focus as soon as the tab is there
  function focusSearch() {
    const field = wanted && place && known && $(".bkfind input", place);
    if (!field) return;
    setTimeout(() => { field.focus(); wanted = false; }, 0);
  }
  function show() { // the tab of the book
    const tab = $$("#ltabs > .tab-wrapper .tab-container:not(.visually-hidden) [role=tab]")[1];
    if (tab && tab.getAttribute("aria-selected") !== "true") tab.click();
  }

  // -- clicks -----------------------------------------------------------------------------------------------------
  function onClick(event) {
    const target = event.target.closest("button");
    if (!target || target.disabled) return;
    const tag = target.closest(".bktag"), { by, tool, pane, chapter: id } = target.dataset;
    if (tag && by) return weigh(known.spells[tag.dataset.spell].key, Number(by));
    if (tag) return tagged(known.spells[tag.dataset.spell], event);
    if (pane) { open.pane = pane; query = ""; keep(); return draw(); }
    if (id) { open.chapter = id; offer = null; keep(); drawPane(); $(".bkshelf", place).scrollTop = 0; return refresh(); }
    if (tool) return used(tool);
    if (target.dataset.style) return wearOrNot(target.dataset.style);
    if (target.matches(".cb")) pickUp(target.closest(".ct"));
  }
  function tagged(spell, event) { // Shift weighs what is chosen already
    if (event.shiftKey && sideOf(spell.key)) weigh(spell.key, 1); else toggle(spell);
  }
  function pickUp(chip) {
    if (dragging?.moved) return;
    const { side, at } = chip.dataset;
    picked = picked?.side === side && picked.at === Number(at) ? null : { side, at: Number(at) };
    refresh();
  }
  const current = () => picked && S.chosen(parts[picked.side], known)[picked.at]?.key;
  function used(tool) {
    const key = current();
    if (tool === "clear") clear();
    else if (tool === "forget") forget();
    else if (tool === "replace") { for (const old of offer.rivals) for (const side of SIDES) write(side, S.takeOut(parts[side], old.key, known)); offer = null; done(); }
    else if (tool === "both") { offer = null; refresh(); }
    else if (!key) return;
    else if (tool === "lighter" || tool === "heavier") weigh(key, tool === "lighter" ? -1 : 1);
    else if (tool === "earlier" || tool === "later") move(picked.side, picked.at, picked.at + (tool === "later" ? 1 : -1));
    else if (tool === "across") across(key);
    else if (tool === "lock") lock(key);
    else if (tool === "remove") remove(picked.side, key);
  }
  function remove(side, key) {
    write(side, S.takeOut(parts[side], key, known));
    picked = null;
    done();
  }

  // -- keys -------------------------------------------------------------------------------------------------------
  function onKey(event) {
    if (event.isComposing || event.keyCode === 229 || event.ctrlKey || event.metaKey) return;
    if (event.target.matches(".bkfind input")) return onSearchKey(event);
    const chip = event.target.closest(".ct"), tag = event.target.closest(".bktag");
    if (chip && onChipKey(event, chip)) return event.preventDefault();
    if (tag && onTagKey(event, known.spells[tag.dataset.spell])) return event.preventDefault();
    if (event.key.startsWith("Arrow") && !event.altKey && (tag || chip)) walk(event, tag ? ".bktag .tb" : ".ct .cb");
  }
  function onSearchKey(event) {
    if (event.key === "Escape" && query) { event.stopPropagation(); forget(); }
    if (event.key === "Enter" && query && S.search(known, query)[0]) { event.preventDefault(); toggle(S.search(known, query)[0]); }
    if (event.key === "ArrowDown") { event.preventDefault(); $(".bktag .tb", place)?.focus(); }
  }
  function forget() {
    const field = $(".bkfind input", place);
    field.value = "";
    search("");
    field.focus();
  }
  const SCALE = { "+": 1, "=": 1, "-": -1, "−": -1 };
  function onTagKey(event, spell) {
    if (SCALE[event.key]) { weigh(spell.key, SCALE[event.key]); return true; }
    if (event.key.toLowerCase() === "l" && sideOf(spell.key)) { lock(spell.key); return true; }
    return false;
  }
  function onChipKey(event, chip) {
    const { side, at, key } = chip.dataset, by = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
    if (event.altKey && by) { shift(side, Number(at), Number(at) + by); return true; }
    if (SCALE[event.key]) { weigh(key, SCALE[event.key]); return true; }
    if (event.key === "Delete" || event.key === "Backspace") { removeAt(side, key, Number(at)); return true; }
    if (event.key.toLowerCase() === "l") { lock(key); return true; }
    return false;
  }
  const focusChip = (side, at) => ($(`.ct[data-side="${side}"][data-at="${at}"] .cb`, place) || $(".ct .cb", place) || $(".bkfind input", place))?.focus();
  function shift(side, from, to) { move(side, from, to); focusChip(side, Math.max(0, Math.min(to, S.chosen(parts[side], known).length - 1))); }
  function removeAt(side, key, at) { remove(side, key); focusChip(side, Math.max(0, at - 1)); }

  function walk(event, query) {
    const all = $$(query, place), at = all.indexOf(event.target.closest("button"));
    const next = all[at + (/Left|Up/.test(event.key) ? -1 : 1)];
    event.preventDefault();
    event.stopPropagation();
    next?.focus();
  }

  function search(text) {
    query = text.trim();
    drawPane();
    refresh();
  }

  // -- dragging a chosen one: at once with a mouse, after a long press with a finger -------------------------------
  function onDown(event) {
    const chip = event.target.closest?.(".ct");
    if (!chip || event.button) return;
    const touch = event.pointerType !== "mouse";
    dragging = { chip, id: event.pointerId, x: event.clientX, y: event.clientY, on: !touch, moved: false };
    if (touch) dragging.timer = setTimeout(() => { if (dragging?.chip === chip) { dragging.on = true; chip.classList.add("drag"); } }, LONG_PRESS);
  }
  function onMove(event) {
    if (!dragging || event.pointerId !== dragging.id) return;
    const far = Math.hypot(event.clientX - dragging.x, event.clientY - dragging.y) > 5;
    if (!dragging.on) { if (far) dropped(false); return; } // the row is being scrolled
    if (!far && !dragging.moved) return;
    event.preventDefault();
    dragging.moved = true;
    dragging.chip.classList.add("drag");
    const over = document.elementFromPoint(event.clientX, event.clientY)?.closest(".ct");
    if (!over || over === dragging.chip || over.dataset.side !== dragging.chip.dataset.side) return;
    const middle = over.getBoundingClientRect();
    const before = event.clientX < middle.left + middle.width / 2;
    over[before ? "before" : "after"](dragging.chip);
  }
  function onUp(event) { if (dragging && event.pointerId === dragging.id) dropped(true); }
  function dropped(keepIt) {
    const { chip, moved, timer } = dragging, row = chip.parentElement;
    clearTimeout(timer);
    chip.classList.remove("drag");
    const to = row ? $$(".ct", row).indexOf(chip) : -1, from = Number(chip.dataset.at);
    setTimeout(() => { dragging = null; }, 0); // the click that ends a drag is no click
    if (!keepIt) dragging = null;
    if (keepIt && moved && to >= 0 && to !== from) { picked = null; move(chip.dataset.side, from, to); } else if (moved) refresh();
  }

  // -- coming in --------------------------------------------------------------------------------------------------
  function load() {
    return (asked ||= fetch("api/book").then((answer) => answer.json()).then((book) => {
      known = S.index(book);
      open = { ...open, ...kept().open };
      hear();
      draw();
      document.body.dataset.book = "yes";
    }).catch(() => { asked = null; if (place) place.innerHTML = `<p class="bknone">${t("book.lost")} <button type="button" class="btn sm" data-again>${t("book.again")}</button></p>`; }));
  }

  function mount(element) { // the tab's place on the page
    place = $(".book", element) || element;
    place.addEventListener("click", (event) => (event.target.closest("[data-again]") ? load() : onClick(event)));
    place.addEventListener("keydown", onKey);
    place.addEventListener("input", (event) => { if (event.target.matches(".bkfind input")) search(event.target.value); });
    place.addEventListener("pointerdown", onDown);
    place.addEventListener("contextmenu", (event) => { if (dragging?.on && event.target.closest(".ct")) event.preventDefault(); });
    // Nothing has a place to scroll to while its tab is closed.
    new IntersectionObserver((seen) => {
      document.body.dataset.left = seen.at(-1).isIntersecting ? "book" : "prompt";
      if (seen.at(-1).isIntersecting) { showChapter(); focusSearch(); }
    }).observe(place);
    if (known) draw(); else load();
  }
  function mountFigure(element) {
    strip = $(".anatomy", element) || element;
    strip.addEventListener("click", onStrip);
    heardNegative(data().negative);
    new MutationObserver(() => { heardNegative(data().negative); hear(); draw(); }).observe(strip, { attributeFilter: ["data-languages", "data-model", "data-negative"] });
    if (known) refreshStrip(); else load();
  }

  document.addEventListener("pointermove", onMove, { passive: false });
  document.addEventListener("pointerup", onUp);
  document.addEventListener("pointercancel", () => { if (dragging) dropped(false); });
  document.addEventListener("touchmove", (event) => { if (dragging?.on) event.preventDefault(); }, { passive: false });
  document.addEventListener("input", (event) => { if (event.target.matches?.("#prompt textarea, #negative textarea")) hear(); });
  document.addEventListener("studio:form", (event) => { heardNegative(event.detail?.negative); hear(); });
  document.addEventListener("click", (event) => { if (event.target.closest?.("[data-local=styles]")) wear([]); });
  new MutationObserver(() => { draw(); refreshStrip(); }).observe(root, { attributeFilter: ["data-lang"] });
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input, textarea, select, [contenteditable=true]");
    if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (!strip || !["create", undefined].includes(document.body.dataset.page)) return;
    event.preventDefault();
    show();
    wanted = true;
    if (place?.offsetParent) focusSearch();
  });

  return { mount, mountFigure, negative: () => told.negative };
})();
