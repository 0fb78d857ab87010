// The LoRA tab: a shelf to choose from, and what is chosen with its weights. What a person sets is kept as text in one
// field of the form; the tab is drawn from it here. lora-shelf.js draws the shelf, lora-words.js puts words in,
// lora-wants.js sets what a LoRA wants to be painted with.
window.studio.lora = (() => {
  const root = document.documentElement, B = window.studio.book;
  const $ = (query, from = document) => from.querySelector(query);
  const $$ = (query, from = document) => [...from.querySelectorAll(query)];
  const MOST = 8, LARGEST = 4; // LoRAs at once; as far as a weight goes either way
  const [LEAST, HIGHEST, STEP] = [0, 1.5, 0.05]; // of a slider, whose ends give way to what was typed
  const NEAR = 1000, FAR = 400; // milliseconds between looks at a download, and before a changed model is asked about

  // What the files beside this one share: what is known, what is chosen, what is drawn into.
  const L = { $, $$, MOST, place: null, cards: [], arrivals: [], admin: false, known: "", uses: [], apart: new Set(), trouble: "", stars: new Map() };
  let written = null, facts = null;

  // -- words --------------------------------------------------------------------------------------------------------
  L.lang = () => (root.dataset.lang === "zh" ? "zh" : "en");
  L.escape = (text) => String(text).replace(/[&<>"]/g, (sign) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[sign]);
  L.worded = (key, params = {}, lang = L.lang()) => (window.studio_words?.[key]?.[lang] ?? key).replace(/\{(\w+)\}/g, (whole, name) => (name in params ? params[name] : whole));
  L.t = (key, params) => L.worded(`lora.${key}`, params);
  L.plain = (key, params) => new DOMParser().parseFromString(L.t(key, params), "text/html").documentElement.textContent;
  L.said = (pair) => pair?.[L.lang() === "zh" ? 1 : 0] ?? "";
  L.pick = (pair) => L.escape(L.said(pair));
  L.icon = (name, more = "") => `<i class="ri ${more}" style="--i:url(assets-studio/icons/${name}.svg)"></i>`;
  L.bytes = (count) => (count >= 95e7 ? `${(count / 1e9).toFixed(1)} GB` : count >= 1e6 ? `${Math.round(count / 1e6)} MB` : `${Math.max(1, Math.round(count / 1e3))} KB`);
  L.number = (value) => Number(value).toFixed(2);
  const { t, pick, icon, number } = L;

  // -- the studio ---------------------------------------------------------------------------------------------------
  L.ask = async (path, more = {}) => {
    let answer;
    try { answer = await fetch(`api/loras${path}`, more); } catch (error) { throw new Error(L.plain("away")); }
    const told = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Error(told.text || L.plain("away"));
    return told;
  };
  L.post = (path, body) => L.ask(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  L.told = () => facts?.dataset || {}; // what the server tells of model and prompt
  L.model = () => JSON.parse(L.told().title || '["",""]');

  let turn = 0, looking = 0;
  L.look = async () => { // the shelf as it is now, for the model that is chosen
    clearTimeout(looking);
    const mine = (turn += 1), { model } = L.told();
    if (!model) return;
    try {
      const { loras: cards, arrivals, admin, mixes, sizes_coming: sizing } = await L.ask(`?model=${encodeURIComponent(model)}`);
      if (mine === turn) Object.assign(L, { cards, arrivals, admin, mixes, sizing, known: model, trouble: "" });
      for (const card of L.cards) card.favourite = L.stars.get(card.id) ?? card.favourite; // on their way to the studio
      if (admin && !window.studio.training.known) window.studio.training.look();
    } catch (error) {
      if (mine === turn) L.trouble = error.message;
    }
    if (mine !== turn) return;
    findMoved();
    L.knowWords();
    L.draw();
    if (B.place && B.known && B.open.pane === "scenes") { B.drawPane(); B.refresh(); } // it tells which LoRAs are here
    L.arrived();
    if (underWay() && !document.hidden) looking = setTimeout(L.look, NEAR);
  };
  function findMoved() { // a file that lies elsewhere now is still known by its name, as the studio knows it
    const moved = L.uses.filter((use) => use.name && !L.card(use.id) && L.named(use.name) && !L.use(L.named(use.name).id));
    for (const use of moved) use.id = L.named(use.name).id;
    if (moved.length) L.write();
  }
  const underWay = () => L.sizing || [...L.cards, ...L.arrivals].some((one) => one.fetching);
  const lookSoon = () => { clearTimeout(looking); looking = setTimeout(L.look, FAR); };
  L.card = (id) => L.cards.find((card) => card.id === id);
  L.named = (name) => { // as the studio finds one that a scene or a prompt names
    const wanted = fold(name), real = L.cards.filter((card) => !L.isWord(card));
    return real.find((card) => fold(card.id) === wanted) || real.find((card) => [card.name, ...card.title].some((one) => fold(one) === wanted));
  };
  const fold = (text) => text.trim().toLowerCase();
  L.isWord = (card) => card.kind === "embedding"; // it is used by its name in the prompt, not by a weight
  L.here = (card) => !["hub", "missing"].includes(card.place);

  // -- the form's field -----------------------------------------------------------------------------------------------
  const field = () => $("#loras textarea, #loras input");
  const OWN = { weight: 1, text_encoder_weight: null, name: "", sha256: "", muted: false };
  const short = (use) => Object.fromEntries(Object.entries(use).filter(([name, value]) => OWN[name] !== value));
  L.write = () => {
    const box = field(), text = L.uses.length ? JSON.stringify(L.uses.map(short)) : "";
    written = text;
    if (box && box.value !== text) {
      box.value = text;
      box.dispatchEvent(new Event("input", { bubbles: true }));
    }
    L.knowWords();
    L.draw();
  };
  function hear() {
    const box = field();
    if (!box || box.value === written) return;
    written = box.value;
    L.uses = (written ? JSON.parse(written) : []).map((use) => ({ ...OWN, ...use }));
    findMoved();
    L.knowWords();
    L.draw();
    if (B.known) B.drawDeal(); // a scene tells the weight of its LoRA
  }

  // -- choosing ---------------------------------------------------------------------------------------------------------
  L.use = (id) => L.uses.find((use) => use.id === id);
  L.full = () => L.uses.length >= MOST;
  L.toggle = (card) => {
    if (L.use(card.id)) return L.remove(card.id);
    if (L.full()) return L.say("full");
    L.uses = [...L.uses, { ...OWN, id: card.id, weight: card.weight }];
    L.write();
    L.used(card.id);
  };
  L.remove = (id) => {
    L.uses = L.uses.filter((use) => use.id !== id);
    L.write();
  };
  L.choose = (uses) => { // instead of all that is chosen
    L.uses = uses.map((use) => ({ ...OWN, ...use }));
    findMoved();
    L.write();
  };
  L.change = (use, values) => { Object.assign(use, values); L.write(); };
  // Kept with what was used last of the book.
  L.used = (id) => { if (B.known) B.used([`lora:${id}`]); };
  L.usedAt = (id) => { const at = B.mine.recent.indexOf(`lora:${id}`); return at < 0 ? Infinity : at; };
  L.say = (key, params) => L.toast(t(key, params));
  L.toast = (html) => {
    const shelf = $(".toasts");
    if (!shelf) return;
    shelf.innerHTML = `<div class="toast" role="status">${html}</div>`;
    setTimeout(() => shelf.replaceChildren(), 3500);
  };

  // -- what is chosen -----------------------------------------------------------------------------------------------------
  const typed = () => JSON.parse(L.told().typed || "[]"); // the LoRAs that the prompt names
  L.typedId = (id) => typed().some((use) => use.id === id);
  function mix() {
    const named = typed();
    if (!L.uses.length && !named.length) return `<p class="t13 i2 lonone">${t("about")}</p>`;
    const count = L.uses.filter((use) => !use.muted).length + named.length;
    const words = [...L.uses, ...named].some((use) => L.card(use.id)?.triggers.length), hint = words ? `<span class="i2 t12 ell">${t("hint")}</span>` : "";
    const full = L.full() ? `<p class="t12 i3 lofull">${t("full")}</p>` : "";
    return `<section class="lomix" aria-label="${t("chosen")}"><header class="lohead"><b>${t("mixing", { n: count })}</b>${hint}${L.saveHtml()}</header>`
      + L.uses.map(row).join("") + named.map(typedRow).join("") + full + "</section>";
  }

  const nameOf = (use) => (L.card(use.id) ? pick(L.card(use.id).title) : L.escape(use.name || use.id));
  function row(use) {
    const card = L.card(use.id), name = nameOf(use), both = !card || (card.changes_text && card.changes_picture);
    const tool = (act, sign, key, more = "") => `<button type="button" class="ib bare sm" data-lora="${act}"${more}>${icon(sign)}<span class="tip">${t(key)}</span></button>`;
    const tools = (both ? tool("apart", "sliders-horizontal", "apart", ` data-opened="${L.apart.has(use.id)}"`) : "")
      + tool("mute", use.muted ? "eye-off" : "eye", use.muted ? "unmute" : "mute", ` data-pressed="${use.muted}"`) + tool("remove", "x", "remove");
    const value = `<input class="lonum num" type="number" step="${STEP}" min="${-LARGEST}" max="${LARGEST}" data-set="weight" data-value="${number(use.weight)}" aria-label="${t("weight_of", { lora: name })}">`;
    const words = use.text_encoder_weight === null ? "" : `<span class="loapart num">${t("text_at", { weight: number(use.text_encoder_weight) })}</span>`;
    return `<article class="lo${use.muted ? " muted" : ""}" data-id="${L.escape(use.id)}" aria-label="${name}">${L.pictureOf(card, name)}<div class="lomain">`
      + `<header><b class="ell">${name}</b><span class="sp"></span>${words}${value}<span class="lotls">${tools}</span></header>${slider("weight", t("weight_of", { lora: name }), use.weight)}`
      + `${reason(use, card)}${L.wantsHtml(card)}${L.triggersHtml(card)}</div>${both && L.apart.has(use.id) ? apart(use) : ""}</article>`;
  }
  function reason(use, card) {
    const text = card ? card.why && pick(card.why) : L.known && t("gone");
    return text ? `<p class="told lobad" role="note">${icon("triangle-alert", "sm")}<span>${text}</span></p>` : card && !L.here(card) ? `<p class="told">${icon("download", "sm")}<span>${t("fetched_first")}</span></p>` : "";
  }
  function slider(name, label, value) {
    const least = Math.min(LEAST, Math.floor(value)), most = Math.max(HIGHEST, Math.ceil(2 * value) / 2);
    const at = (one) => (100 * (one - least)) / (most - least), from = at(Math.min(0, value)), to = at(Math.max(0, value));
    return `<input type="range" class="losl" min="${least}" max="${most}" step="${STEP}" data-set="${name}" data-value="${value}" aria-label="${label}" style="--from:${from}%;--to:${to}%">`;
  }
  function apart(use) {
    const own = use.text_encoder_weight;
    const part = (name, key, value) => `<label><span class="rfl"><span>${t(key)}</span><b class="num">${number(value)}</b></span>${slider(name, t(key), value)}</label>`;
    const again = own === null ? "" : `<button type="button" class="btn link" data-lora="together">${t("again_together")}</button>`;
    return `<div class="loin">${part("weight_alone", "on_picture", use.weight)}${part("text_encoder_weight", "on_text", own ?? use.weight)}${again}</div>`;
  }
  function typedRow(use) { // the studio reads the prompt; here is only told what it read
    const card = L.card(use.id), name = nameOf(use), own = use.text_encoder_weight;
    const weights = own === null ? number(use.weight) : `${number(use.weight)} · ${number(own)}`;
    return `<article class="lo typed" data-id="typed-${L.escape(use.id)}" aria-label="${name}">${L.pictureOf(card, name)}<div class="lomain"><header><b class="ell">${name}</b><span class="badge">${t("from_prompt")}</span>`
      + `<span class="sp"></span><b class="num lofix">${weights}</b></header>${reason(use, card)}${L.wantsHtml(card)}${L.triggersHtml(card)}</div></article>`;
  }

  // -- drawing ----------------------------------------------------------------------------------------------------------------
  L.draw = () => {
    badge();
    if (!L.place) return;
    const made = document.createElement("template"), { training } = window.studio;
    made.innerHTML = training.open ? training.html() : mix() + L.shelfHtml();
    window.studio.lay(L.place, made.content);
    for (const input of $$("[data-value]", L.place)) if (input !== document.activeElement || input.type === "range") if (input.value !== input.dataset.value) input.value = input.dataset.value;
    for (const button of $$("[data-pressed]", L.place)) button.setAttribute("aria-pressed", button.dataset.pressed);
    for (const button of $$("[data-opened]", L.place)) button.setAttribute("aria-expanded", button.dataset.opened);
    training.draw();
  };
  function badge() {
    const tab = $("#tab_lora-button"), count = L.uses.filter((use) => !use.muted).length + typed().length;
    if (tab && count) tab.dataset.n = count; else if (tab) delete tab.dataset.n;
    if (tab) tab.dataset.learning = window.studio.training?.all.some(window.studio.training.active) ? "yes" : "no";
  }

  // -- hands --------------------------------------------------------------------------------------------------------------------
  const ACTS = {
    remove: (use) => { L.remove(use.id); ($(".lo [data-lora=remove]", L.place) || $(".lofind input", L.place))?.focus(); },
    mute: (use) => L.change(use, { muted: !use.muted }),
    apart: (use) => { if (!L.apart.delete(use.id)) L.apart.add(use.id); L.draw(); },
    together: (use) => L.change(use, { text_encoder_weight: null }),
  };
  L.acts = ACTS;
  function clicked(event) {
    const button = event.target.closest("[data-lora]");
    if (!button || button.disabled || button.getAttribute("aria-disabled") === "true") return;
    ACTS[button.dataset.lora](L.use(button.closest(".lo")?.dataset.id), button.dataset, button);
  }
  const bounded = (value) => Math.min(LARGEST, Math.max(-LARGEST, Math.round(100 * value) / 100));
  function set(event) {
    const input = event.target.closest("[data-set]"), use = input && L.use(input.closest(".lo")?.dataset.id);
    if (!use || input.value === "" || !Number.isFinite(Number(input.value))) return;
    const value = bounded(Number(input.value)), name = input.dataset.set;
    // Apart is only what was set apart: until then one weight counts for both.
    if (name === "weight_alone") L.change(use, { weight: value, text_encoder_weight: use.text_encoder_weight ?? use.weight });
    else L.change(use, { [name]: value });
  }
  function left(event) { // a number that was not finished is as it was
    if (event.target.matches("[data-set][type=number]")) { event.target.value = event.target.dataset.value; }
  }

  // -- coming in ------------------------------------------------------------------------------------------------------------------
  // What a scene is made for: here, away, or unfit for the model.
  B.loraStands = (name) => { const card = L.named(name); return !card || !L.here(card) ? "away" : card.fits ? "here" : "unfit"; };
  B.loraWeight = (name) => L.use(L.named(name)?.id)?.weight;
  B.weighLora = (name, weight) => {
    const card = L.named(name);
    if (!L.use(card.id)) L.toggle(card);
    if (L.use(card.id)) L.change(L.use(card.id), { weight, text_encoder_weight: null });
  };
  B.modelTitle = () => L.said(L.model());

  L.mount = (element) => {
    L.place = $(".loras", element) || element;
    L.place.addEventListener("click", clicked);
    L.place.addEventListener("input", set);
    L.place.addEventListener("focusout", left);
    L.takeShelf(L.place);
    window.studio.training.take(L.place);
    // Somebody may have put files into the folders meanwhile.
    new IntersectionObserver((seen) => {
      if (!seen.at(-1).isIntersecting) return window.studio.training.draw(); // what lies over the stage goes with the tab
      L.look();
      if (L.admin) window.studio.training.look();
    }).observe(L.place);
    hear();
    L.draw();
  };
  L.mountFacts = (element) => { // there from the beginning, the tab itself only once it was opened
    facts = $("[data-model]", element);
    new MutationObserver(() => { L.draw(); if (L.told().model !== L.known) lookSoon(); }).observe(facts, { attributeFilter: ["data-model", "data-typed"] });
    hear();
    L.look();
  };
  document.addEventListener("studio:form", () => setTimeout(hear, 0));
  document.addEventListener("visibilitychange", () => { if (!document.hidden && underWay()) L.look(); });
  new MutationObserver(() => L.draw()).observe(root, { attributeFilter: ["data-lang"] });
  new MutationObserver(() => { for (const wait of [0, 300]) setTimeout(hear, wait); }).observe(root, { subtree: true, attributeFilter: ["data-ready"] });

  return L;
})();
