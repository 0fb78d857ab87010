// The spellbook on the page: what is known of it, what clicks do to the two prompts, and how it comes in. All of that
// happens in the page. The files beside this one draw the tab (book-tab, book-cards), the figure (book-figure), answer
// hands and keys (book-hands), and do what chance and one's own book bring (book-deals, book-blend, book-mine).
window.studio.book = (() => {
  const S = window.studio.spells, root = document.documentElement;
  const $ = (query, from = document) => from.querySelector(query);
  const $$ = (query, from = document) => [...from.querySelectorAll(query)];
  const SIDES = ["prompt", "negative"];
  const ICONS = { // by chapter first, by element else
    animals: "paw-print", plants: "flower-2", vehicles: "car", things: "box", landscapes: "mountain", mythical: "wand-sparkles",
    magic: "wand-sparkles", "tails-wings-horns": "feather", buildings: "building", food: "utensils", person: "user", role: "user", expression: "smile",
    face: "smile", hair: "scissors", clothing: "shirt", shoes: "footprints", pose: "person-standing", ornaments: "gem",
    medium: "paintbrush", subject: "scan", detail: "sparkles", action: "footprints", place: "mountain", colour: "palette",
    light: "sun-medium", framing: "crop", style: "feather", clarity: "aperture", painter: "brush", camera: "aperture",
    platform: "share-2", modifier: "sparkles", negative: "ban", "~mine": "bookmark", "~favourites": "star", "~recent": "history",
  };

  // What all files share: the book, the prompts as documents, the elements drawn into, and what is open or picked.
  const B = {
    S, $, $$, SIDES, ICONS, root, known: null, parts: { prompt: [""], negative: [""] }, place: null, strip: null, query: "", picked: null, offer: null,
    open: { pane: "spells", chapter: "", locked: [], dragged: false, quiet: [], off: false },
  };
  let asked = null; // the promise of the book

  // -- words ----------------------------------------------------------------------------------------------------
  const lang = () => (root.dataset.lang === "zh" ? "zh" : "en");
  const pick = (pair) => pair[lang() === "zh" ? 1 : 0] || pair[0] || pair[1];
  const escape = (text) => text.replace(/[&<>"]/g, (sign) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[sign]);
  const t = (key, params = {}) => (window.studio_words?.[key]?.[lang()] ?? key).replace(/\{\{|\}\}|\{(\w+)\}/g, (whole, name) => (name === undefined ? whole[0] : name in params ? escape(String(params[name])) : whole));
  const mainOf = (spell) => (lang() === "zh" ? spell.name : spell.en);
  const secondOf = (spell) => (lang() === "zh" ? spell.en : spell.name);
  const listed = (names) => names.map(escape).join(lang() === "zh" ? "、" : ", ");
  const icon = (name) => `<i class="bi" style="--i:url(assets-studio/icons/${name}.svg)"></i>`;
  const tipped = (key) => `<span class="tip">${t(key)}</span>`;
  const numbered = (weight) => String(Math.round(weight * 100) / 100).replace(/^(\d+)$/, "$1.0");
  Object.assign(B, { lang, pick, escape, t, mainOf, secondOf, listed, icon, tipped, numbered });

  // -- kept in this browser ---------------------------------------------------------------------------------------
  function kept() {
    try { return JSON.parse(localStorage.getItem("studio.book")) || {}; } catch (error) { return {}; }
  }
  const asText = (parts) => { try { return S.render(parts); } catch (error) { return null; } }; // of another version, or damaged
  B.keep = () => {
    try { localStorage.setItem("studio.book", JSON.stringify({ open: B.open, parts: B.parts })); } catch (error) { /* private windows may refuse */ }
  };
  const begun = new Set(); // the sides whose text has been seen
  function begin(side, text) { // what was clicked on the last visit is still known, if the text is the same
    const was = kept().parts?.[side];
    begun.add(side);
    return Array.isArray(was) && asText(was) === text ? was : S.fromText(text);
  }

  // -- the two prompts --------------------------------------------------------------------------------------------
  const box = (side) => $(`#${side} textarea`);
  // The negative prompt has no field while its fold is closed: then the form tells it, and is told of it.
  let told = { negative: null, awaited: null, since: 0 };
  B.textOf = (side) => box(side)?.value ?? (side === "negative" ? told.negative : "");
  function heardNegative(text) {
    if (typeof text !== "string") return;
    if (told.awaited !== null && text !== told.awaited && Date.now() - told.since < 3000) return; // an older one
    told = { negative: text, awaited: null, since: 0 };
  }
  function tellNegative(text) {
    told = { negative: text, awaited: text, since: Date.now() };
    $("[data-do=negative]", B.place || document)?.click(); // of the book, or of the LoRAs while that was never opened
  }
  B.negative = () => told.negative;
  B.data = () => B.strip?.dataset || {}; // what the server tells of form and model
  B.speech = (spell) => { // the language the model reads, the page's where it reads both
    const reads = (B.data().languages || "en").split(" ");
    return spell[reads.includes(lang()) ? lang() : reads[0] === "zh" ? "zh" : "en"];
  };
  B.home = (spell) => (spell.part === "negative" ? "negative" : "prompt");
  B.chosen = (side) => S.chosen(B.parts[side], B.known);
  B.sideOf = (key) => SIDES.find((side) => S.has(B.parts[side], key, B.known));

  let writing = false; // whoever writes draws afterwards
  B.hear = () => { // what was typed, or filled in from elsewhere
    if (!B.known || writing) return;
    let changed = false;
    for (const side of SIDES) {
      const text = B.textOf(side);
      if (text === null) continue;
      const next = begun.has(side) ? S.sync(B.parts[side], text, B.known) : begin(side, text);
      changed ||= next !== B.parts[side];
      B.parts[side] = next;
    }
    if (changed && begun.size === SIDES.length) B.keep();
    B.refresh();
  };

  B.write = (side, next) => {
    if (next === B.parts[side]) return;
    B.parts[side] = next;
    const field = box(side), text = S.render(next);
    if (!field && side === "negative") tellNegative(text);
    if (field && field.value !== text) {
      writing = true;
      field.value = text;
      field.dispatchEvent(new Event("input", { bubbles: true }));
      writing = false;
    }
  };

  B.toggle = (spell) => {
    const side = B.sideOf(spell.key);
    B.offer = null;
    if (side) B.write(side, S.takeOut(B.parts[side], spell.key, B.known));
    else B.putIn(spell, B.home(spell));
    B.done();
  };

  B.putIn = (spell, side) => {
    const there = spell.one ? SIDES.flatMap(B.chosen).map((term) => term.spell) : [];
    const rivals = [...new Set(there)].filter((one) => one !== spell && one.group === spell.group && one.chapter === spell.chapter);
    const next = S.putIn(B.parts[side], spell, B.speech(spell), B.known, !B.open.dragged);
    if (next === B.parts[side]) return B.say(t("book.blend"));
    B.write(side, next);
    B.used([spell.key]);
    if (rivals.length) B.offer = { spell, rivals };
  };

  B.weigh = (key, by) => {
    const side = B.sideOf(key), term = side && B.chosen(side).find((one) => one.key === key);
    const next = term && S.step(term.weight, by);
    if (!term || next === term.weight) return; // typed beyond the scale's end, it must not come back to it
    B.write(side, S.weigh(B.parts[side], key, next, B.known));
    B.done();
  };

  B.across = (key) => {
    const from = B.sideOf(key), to = SIDES.find((side) => side !== from), spell = B.known.byKey.get(key);
    const { weight } = B.chosen(from).find((term) => term.key === key);
    const typed = B.parts[to].some((part) => part.gone && part.key === key); // it comes back as it was typed there
    const wanted = [{ spell, text: B.speech(spell), weight: typed || Math.abs(weight - 1) < 1e-6 ? null : weight }];
    const next = S.putAll(B.parts[to], wanted, B.known, !B.open.dragged);
    if (next === B.parts[to]) return B.say(t("book.blend"));
    B.write(from, S.takeOut(B.parts[from], key, B.known));
    B.write(to, next);
    B.picked = null;
    B.done();
  };

  B.move = (side, from, to) => {
    B.open.dragged = true;
    B.write(side, S.move(B.parts[side], from, to, B.known));
    if (B.picked) B.picked = { side, at: to };
    B.done();
  };

  B.remove = (side, key) => {
    B.write(side, S.takeOut(B.parts[side], key, B.known));
    B.picked = null;
    B.done();
  };

  B.clear = () => { // what was typed stays, and what is locked; the rest is one click away
    const before = B.remember();
    for (const side of SIDES)
      for (const term of B.chosen(side))
        if (term.own && !B.locked(term.key)) B.write(side, S.takeOut(B.parts[side], term.key, B.known));
    B.open.dragged = false;
    [B.picked, B.offer] = [null, null];
    B.begin({ kind: "taken_out", before });
  };

  B.locked = (key) => B.open.locked.includes(key);
  B.lock = (key) => {
    B.open.locked = B.locked(key) ? B.open.locked.filter((one) => one !== key) : [...B.open.locked, key];
    B.done();
  };
  B.lockAll = () => { // all of them, or none where all are locked already
    const keys = [...new Set(SIDES.flatMap(B.chosen).map((term) => term.key))];
    B.open.locked = keys.every(B.locked) ? [] : keys;
    B.done();
  };

  B.done = () => { B.keep(); B.refresh(); };
  B.say = (text) => {
    const shelf = $(".toasts");
    if (!shelf) return;
    shelf.innerHTML = `<div class="toast" role="status">${text}</div>`;
    setTimeout(() => shelf.replaceChildren(), 3500);
  };

  // -- the server -------------------------------------------------------------------------------------------------
  // What it answers, or an Error with its words.
  B.ask = async (path, body, more = {}) => {
    const json = body === undefined ? {} : { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
    let answer;
    try { answer = await fetch(`api/book${path}`, { ...json, ...more }); } catch (error) { throw new Error(t("book.away")); }
    const said = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Error(escape(said.text || t("book.away")));
    return said;
  };

  // -- coming in --------------------------------------------------------------------------------------------------
  B.load = () => (asked ||= Promise.all([B.ask(""), B.mineArrives()]).then(([book]) => {
    B.known = S.index(book);
    B.knowMine();
    B.open = { ...B.open, ...kept().open };
    B.hear();
    B.draw();
    document.body.dataset.book = "yes";
  }).catch(() => { asked = null; if (B.place) B.place.innerHTML = `<p class="bknone">${t("book.lost")} <button type="button" class="btn sm" data-again>${t("book.again")}</button></p>`; }));

  B.mount = (element) => { // the tab's place on the page
    B.place = $(".book", element) || element;
    B.takeHands(B.place);
    // Nothing has a place to scroll to while its tab is closed.
    new IntersectionObserver((seen) => {
      document.body.dataset.left = seen.at(-1).isIntersecting ? "book" : "prompt";
      if (seen.at(-1).isIntersecting) B.shown();
    }).observe(B.place);
    if (B.known) B.draw(); else B.load();
  };
  B.mountFigure = (element) => {
    B.strip = $(".anatomy", element) || element;
    B.takeFigure(B.strip);
    heardNegative(B.data().negative);
    new MutationObserver(() => { heardNegative(B.data().negative); B.hear(); B.draw(); }).observe(B.strip, { attributeFilter: ["data-languages", "data-model", "data-negative"] });
    if (B.known) B.refreshFigure(); else B.load();
  };

  document.addEventListener("input", (event) => { if (event.target.matches?.("#prompt textarea, #negative textarea")) B.hear(); });
  document.addEventListener("studio:form", (event) => { heardNegative(event.detail?.negative); B.hear(); });
  new MutationObserver(() => { B.draw(); B.refreshFigure(); }).observe(root, { attributeFilter: ["data-lang"] });

  return B;
})();
