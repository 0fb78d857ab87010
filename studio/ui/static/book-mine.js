// What is a person's own: spells, styles and scenes, favourites, and what was used last. The server keeps it.
((B) => {
  const { S, $, $$, SIDES, t, pick, escape, icon, tipped } = B;
  const KINDS = ["spells", "styles", "scenes"], SHOWN = 60, PAUSE = 1500;
  const NOTHING = { spells: [], styles: [], scenes: [], favourites: [], recent: [], problems: [] };
  B.mine = NOTHING;
  let form = null, brought = null; // the sheet that is being filled in, and what the last import told

  // -- coming and going -------------------------------------------------------------------------------------------
  let away = "";
  B.mineArrives = async () => { // the book opens without it, and says so
    try { B.mine = await B.ask("/mine"); away = ""; } catch (error) { away = error.message; }
  };
  const inOrder = window.studio.inOrder();
  async function change(path, body, more) { // what the server answers is how things are now, but for stars on their way
    const told = await inOrder(() => B.ask(`/mine${path}`, body, more));
    B.mine = inOrder.busy() ? { ...told, favourites: B.mine.favourites } : told;
    B.knowMine();
    B.drawPane();
    B.refresh();
    return told;
  }
  B.beside = []; // rows of words that are no spells and can be clicked all the same, such as those that call a LoRA
  B.knowMine = () => { S.withOwn(B.known, [...ownPhrases(), ...B.beside]); };

  const isOwn = (id) => id.startsWith("own-");
  const find = (id) => KINDS.flatMap((kind) => B.mine[kind].map((item) => ({ kind, item }))).find(({ item }) => item.id === id);

  // -- an own spell is one phrase, or several at once; what is more than phrases goes in as it stands ---------------
  const written = (pair) => pair.filter((text) => text.trim());
  const wanted = (item, side) => B.speech({ en: item[side][0] || item[side][1], zh: item[side][1] || item[side][0] });
  function ownPhrases() { // rows of both languages and a name, for the book's index
    return B.mine.spells.flatMap((item) => SIDES.flatMap((side) => {
      const both = written(item[side]).map(S.phrasesIn).filter(Boolean), [first, second = first] = both;
      if (!first) return [];
      const twins = first.length === second.length;
      const rows = first.map(({ text }, at) => [text, twins ? second[at].text : text, first.length === 1 ? pick(item.title) : text]);
      return twins ? rows : [...rows, ...second.map(({ text }) => [text, text, text])];
    }));
  }
  function phrasesOf(item, side) { // with the spells they are; null where the text is put in as it stands
    const text = wanted(item, side), found = text.trim() ? S.phrasesIn(text) : [];
    const phrases = found?.map((one) => ({ spell: B.known.phrases.get(S.same(one.text)), text: one.text, weight: one.weight === 1 ? null : one.weight }));
    return phrases?.every((one) => one.spell) ? phrases : null;
  }
  const joined = new Map(); // what stands before words that were put in as they are
  const joins = (item, side) => Boolean(wanted(item, side).trim()) && !S.isBlend(wanted(item, side));
  B.ownIsOn = (id) => {
    const item = B.mine.spells.find((one) => one.id === id);
    return Boolean(item) && SIDES.every((side) => {
      const phrases = phrasesOf(item, side);
      return phrases ? phrases.every(({ spell }) => S.has(B.parts[side], spell.key, B.known)) : (B.textOf(side) || "").includes(wanted(item, side));
    });
  };
  function toggleOwn(id) {
    const item = B.mine.spells.find((one) => one.id === id), on = B.ownIsOn(id), before = B.remember();
    if (!on && SIDES.some((side) => joins(item, side) && S.isBlend(B.textOf(side) || ""))) return B.say(t("book.blend"));
    for (const side of SIDES) B.write(side, toggled(item, side, on));
    if (!on) B.used([id]);
    if (!on && S.isBlend(wanted(item, "prompt"))) B.begin({ kind: "own", name: pick(item.title), before });
    B.done();
  }
  function toggled(item, side, on) {
    const parts = B.parts[side], phrases = phrasesOf(item, side), text = wanted(item, side);
    if (phrases && on) return phrases.reduce((rest, { spell }) => S.takeOut(rest, spell.key, B.known), parts);
    if (phrases) return S.putAll(parts, phrases, B.known, !B.open.dragged);
    if (S.isBlend(text)) return on ? S.takeText(parts, text, "", B.known) : S.fromText(text); // a blend is the whole prompt
    const place = `${item.id} ${side}`;
    if (on) return S.takeText(parts, text, joined.get(place) ?? ", ", B.known);
    joined.set(place, S.joint(parts, text));
    return S.putText(parts, text, B.known);
  }

  // -- stars, and what was used -----------------------------------------------------------------------------------
  B.isFavourite = (key) => B.mine.favourites.includes(key);
  B.starHtml = (key, name) => `<button type="button" class="str" data-star="${escape(key)}" aria-pressed="${B.isFavourite(key)}" aria-label="${t("book.star_one", { spell: name })}">${icon("star")}</button>`;
  B.star = async (key) => { // shown at once, put right where the server says no
    const on = !B.isFavourite(key);
    mark(key, on);
    try {
      const { favourites } = await inOrder(() => B.ask("/mine/favourite", { key, on }));
      if (!inOrder.busy()) B.mine = { ...B.mine, favourites };
    } catch (error) {
      mark(key, !on);
      B.say(error.message);
    }
  };
  function mark(key, on) {
    const others = B.mine.favourites.filter((one) => one !== key);
    B.mine = { ...B.mine, favourites: on ? [...others, key] : others };
    restar();
    B.refresh();
  }
  function restar() {
    for (const star of $$("[data-star]", B.place)) star.setAttribute("aria-pressed", String(B.isFavourite(star.dataset.star)));
  }

  let lately = [], pause;
  B.used = (keys) => { // told to the server in one go, after a pause
    const shipped = keys.filter((key) => !B.known.byKey.get(key)?.own);
    B.mine = { ...B.mine, recent: [...new Set([...shipped, ...B.mine.recent])].slice(0, SHOWN) };
    lately = [...new Set([...shipped, ...lately])];
    clearTimeout(pause);
    pause = setTimeout(tellUsed, PAUSE);
  };
  function tellUsed() {
    if (!lately.length) return;
    const keys = lately;
    lately = [];
    B.ask("/mine/used", { keys }, { keepalive: true }).catch(() => { lately = [...keys, ...lately]; }); // the next one takes them along
  }
  addEventListener("pagehide", tellUsed);

  // -- the three chapters -----------------------------------------------------------------------------------------
  const CHAPTERS = ["mine", "favourites", "recent"];
  const both = (key) => ["en", "zh"].map((name) => window.studio_words?.[key]?.[name] ?? key);
  const unescaped = (pair) => pair.map((text) => new DOMParser().parseFromString(text, "text/html").documentElement.textContent);
  const OWN = CHAPTERS.map((name) => ({ id: "~" + name, part: "own", element: "none", groups: [], title: unescaped(both(`book.${name}`)), note: unescaped(both(`book.${name}_note`)) }));
  B.ownChapters = () => OWN;
  B.ownChapterHtml = (id) => (id === "~mine" ? mineHtml() : listHtml(id.slice(1)));

  function listHtml(name) {
    const keys = name === "recent" ? B.mine.recent : [...B.mine.favourites].reverse(), none = `<p class="bkhint">${t(`book.no_${name}`)}</p>`;
    const spells = keys.map((key) => B.known.byKey.get(key)).filter(Boolean);
    const own = keys.map(find).filter(Boolean).filter(({ kind }) => kind === "spells");
    const cards = [...keyed(keys, B.everyScene(), B.sceneHtml), ...(B.stylesBox() ? keyed(keys, B.everyStyle(), B.styleHtml) : [])];
    const tags = [...own.map(({ item }) => B.ownTagHtml(item)), ...spells.map(B.tagHtml)];
    if (!tags.length && !cards.length) return none;
    return `<section><div class="bktags">${tags.join("")}</div></section>` + (cards.length ? `<section><div class="bkcards">${cards.join("")}</div></section>` : "");
  }
  const keyed = (keys, all, draw) => keys.map((key) => all.find((one) => one.id === key)).filter(Boolean).map(draw);

  function mineHtml() {
    if (form) return formHtml();
    const lost = away ? `<p class="bkhint">${away} <button type="button" class="btn sm" data-mine="reload">${t("book.again")}</button></p>` : "";
    const add = `<div class="bkadd"><button type="button" class="btn sm" data-mine="add">${icon("plus")}${t("book.save_this")}</button></div>`;
    const none = KINDS.every((kind) => !B.mine[kind].length) ? `<p class="bkhint">${t("book.no_mine")}</p>` : "";
    return lost + add + none + section("spells", B.mine.spells, B.ownTagHtml, "bktags") + section("styles", B.mine.styles, B.styleHtml, "bkcards")
      + section("scenes", B.mine.scenes, B.sceneHtml, "bkcards") + filesHtml() + problemsHtml();
  }
  const section = (kind, all, draw, place) => (all.length ? `<section data-group="${kind}"><h4>${t(`book.${kind}`)}</h4><div class="${place}">${all.map(draw).join("")}</div></section>` : "");
  function filesHtml() {
    const choose = `<label class="btn sm file">${icon("upload")}<span>${t("book.import")}</span><input type="file" class="sr" accept=".yaml,.yml,.csv,text/csv,application/yaml" data-import></label>`;
    const out = KINDS.some((kind) => B.mine[kind].length) ? `<a class="btn sm" href="api/book/mine/export" download="spellbook-mine.yaml">${icon("download")}${t("book.export")}</a>` : "";
    return `<section class="bkfiles"><div class="dlrow">${choose}${out}</div><p class="bkhint">${t("book.import_hint")}</p>${broughtHtml()}</section>`;
  }
  function broughtHtml() {
    if (!brought) return "";
    const { file, error, added, known, troubles = [] } = brought;
    const head = error || [t("book.imported", { n: added }), known ? t("book.import_known", { n: known }) : ""].filter(Boolean).join(" ");
    return `<div class="bktold" role="status"><b>${escape(file)}</b><p>${head}</p>${list(troubles)}</div>`;
  }
  const list = (lines) => (lines.length ? `<ul>${lines.map((line) => `<li>${escape(line)}</li>`).join("")}</ul>` : "");
  const problemsHtml = () => (B.mine.problems?.length ? `<section class="bktold"><p>${t("book.own_problems")}</p>${list(B.mine.problems)}</section>` : "");

  B.pencilHtml = (item) => `<button type="button" class="str pen" data-mine="edit" data-id="${item.id}" aria-label="${t("book.edit_one", { name: pick(item.title) })}">${icon("pencil")}</button>`;
  B.ownTagHtml = (item) => {
    const n = SIDES.reduce((sum, side) => sum + (phrasesOf(item, side)?.length ?? 1), 0);
    return `<div class="bktag own" data-own="${item.id}"><button type="button" class="tb" data-mine="toggle" data-id="${item.id}" aria-pressed="false" title="${escape(wanted(item, "prompt"))}">${icon("bookmark")}<span>${escape(pick(item.title))}</span>${n > 1 ? `<small>${t("book.n_spells", { n })}</small>` : ""}</button>${B.pencilHtml(item)}</div>`;
  };
  B.ownFound = (query) => {
    const want = S.fold(query);
    const sounds = (item) => want.length > 1 && S.initials(item.pinyin).startsWith(want);
    return want ? B.mine.spells.filter((item) => sounds(item) || [pick(item.title), item.pinyin].some((text) => S.fold(text).includes(want))) : [];
  };

  // -- the sheet: something new from the prompt, or something to be changed ----------------------------------------
  const HAN = /[\u3400-\u9fff]/;
  const said = (text) => (HAN.test(text) ? { zh: text } : { en: text });
  function selection() { // of the prompt, if anything is selected there
    const field = $("#prompt textarea");
    return field && field.selectionEnd > field.selectionStart ? field.value.slice(field.selectionStart, field.selectionEnd).trim() : "";
  }
  function fresh() {
    const part = selection(), style = B.styles().length === 1 ? B.styles()[0] : "";
    return { kind: "spells", id: "", name: "", part: Boolean(part), prompt: { "": part || B.textOf("prompt").trim() }, negative: { "": "" }, aspect: aspectNow(), style, seed: seedNow(), withSeed: false };
  }
  const aspectNow = () => /^(1:1|3:4|4:3|9:16|16:9)$/.exec($("#size label.selected")?.textContent.trim())?.[1] || "1:1";
  function seedNow() {
    const values = window.studio.kept?.(), at = (B.data().fields || "").split(" ").indexOf("seed");
    return Number.isSafeInteger(values?.[at]) ? values[at] : null;
  }
  function existing({ kind, item }) {
    const sides = Object.fromEntries(SIDES.map((side) => {
      const pairs = ["en", "zh"].map((name, at) => [name, item[side][at]]).filter(([, text]) => text);
      return [side, pairs.length ? Object.fromEntries(pairs) : { "": "" }];
    }));
    return { ...item, ...sides, kind, name: item.title[0], seed: item.seed ?? null, withSeed: item.seed !== undefined };
  }
  B.leaveForm = () => { form = null; };

  function formHtml() {
    const kinds = KINDS.map((kind) => `<button type="button" role="radio" aria-checked="${kind === form.kind}" data-mine="kind" data-kind="${kind}"${form.id && kind !== form.kind ? " disabled" : ""}>${t(`book.one_${kind}`)}</button>`).join("");
    const whole = form.part ? `<button type="button" class="btn link sm" data-mine="whole">${t("book.whole_prompt")}</button>` : "";
    const remove = form.id ? `<button type="button" class="btn sm quiet" data-mine="delete">${icon("trash-2")}${t("book.delete")}</button>` : "";
    const slot = form.kind === "styles" ? `<p class="bkhint">${t("book.slot_hint")}</p>` : "";
    return `<form class="bkform" novalidate><div class="bkpanes" role="radiogroup" aria-label="${t("book.kind")}">${kinds}</div>
      <label>${t("book.name")}<input name="name" maxlength="60" value="${escape(form.name)}" autocomplete="off" enterkeyhint="done"></label>
      ${areas("prompt", 4)}${whole}${slot}${areas("negative", 2)}${form.kind === "scenes" ? sceneFields() : ""}
      <p class="err" role="alert" hidden></p>
      <div class="dlrow"><button type="submit" class="btn sm try">${icon("check")}${t("book.keep")}</button><button type="button" class="btn sm quiet" data-mine="cancel">${t("book.cancel")}</button><span class="sp"></span>${remove}</div></form>`;
  }
  function areas(side, rows) { // one for each language it was written in
    const entries = Object.entries(form[side]), lone = entries.length === 1;
    return entries.map(([name, text]) => `<label>${t(`book.own_${side}`)}${lone ? "" : ` · ${t(`book.in_${name}`)}`}<textarea name="${side}" data-in="${lone ? "" : name}" rows="${rows}" maxlength="4000">${escape(text)}</textarea></label>`).join("");
  }
  function sceneFields() {
    const style = form.style && B.everyStyle().find((one) => one.id === form.style);
    const told = [t("book.scene_shape", { aspect: form.aspect }), style ? t("book.scene_style", { style: pick(style.title) }) : "", form.lora ? t("book.wants_lora", { lora: form.lora.name }) : ""].filter(Boolean);
    const seed = form.seed === null ? "" : `<label class="tick"><input type="checkbox" name="seed"${form.withSeed ? " checked" : ""}><span>${t("book.scene_seed", { seed: form.seed })}</span></label>`;
    return `<p class="bkhint">${told.join(" · ")}</p>${seed}`;
  }

  function read() { // what was typed into the sheet so far
    const place = $(".bkform", B.place);
    if (!place) return;
    form.name = place.elements.name.value;
    for (const side of SIDES) form[side] = Object.fromEntries($$(`textarea[name=${side}]`, place).map((area) => [area.dataset.in, area.value]));
    if (place.elements.seed) form.withSeed = place.elements.seed.checked;
  }
  const told = (texts) => ("" in texts ? said(texts[""]) : texts);
  function itemOf({ kind, id, name, prompt, negative, aspect, style, seed, withSeed, families, wants, lora }) {
    const item = { id, name, prompt: told(prompt), negative: told(negative) };
    if (kind === "styles" && families) item.families = families;
    if (kind !== "scenes") return item;
    return { ...item, aspect, style: style || "", ...(withSeed ? { seed } : {}), ...(wants ? { wants } : {}), ...(lora ? { lora } : {}) };
  }
  let asking = false; // a second press while the answer to the first is on its way asks for nothing more
  const once = (ask) => async (...given) => {
    if (asking) return;
    asking = true;
    try { await ask(...given); } finally { asking = false; }
  };
  const save = once(async () => {
    read();
    const kept = form;
    try {
      await change("", { kind: kept.kind, item: itemOf(kept) });
      leave();
      B.say(t("book.kept", { name: kept.name }));
    } catch (error) { wrong(error.message); }
  });
  function wrong(text) {
    const place = $(".bkform .err", B.place);
    if (place) Object.assign(place, { hidden: false, innerHTML: text });
    else B.say(text);
  }
  function leave() {
    form = null;
    B.drawPane();
    B.refresh();
  }
  function openForm(next) {
    form = next;
    Object.assign(B.open, { pane: "spells", chapter: "~mine" });
    B.query = "";
    B.draw();
    $(".bkform [name=name]", B.place)?.focus({ preventScroll: true });
  }
  const remove = once(async () => {
    const { kind, id, name } = form, item = { kind, item: itemOf(existing(find(id))), starred: B.isFavourite(id) };
    try {
      await change(`/${id}`, undefined, { method: "DELETE" });
      leave();
      if (B.styles().includes(id)) B.wear(B.styles().filter((one) => one !== id));
      B.begin({ kind: "deleted", name, item });
    } catch (error) { wrong(error.message); }
  });
  B.restoreOwn = once(async ({ kind, item, starred }) => { // under a new id: the old one is gone for good
    try {
      const { kept } = await change("", { kind, item: { ...item, id: "" } });
      if (starred) await B.star(kept);
      B.begin(null);
    } catch (error) { B.say(error.message); }
  });

  // -- files ------------------------------------------------------------------------------------------------------
  async function bring(file) {
    try { brought = { file: file.name, ...(await change("/import", undefined, { method: "POST", body: file })).imported }; } catch (error) { brought = { file: file.name, error: error.message }; }
    B.drawPane();
    B.refresh();
    const shelf = $(".bkshelf", B.place); // by hand: scrollIntoView would move the page as well
    if (shelf) shelf.scrollTop = shelf.scrollHeight;
  }
  document.addEventListener("change", (event) => {
    const [file] = event.target.matches?.("[data-import]") ? event.target.files : [];
    if (file) bring(file);
  });

  // -- hands ------------------------------------------------------------------------------------------------------
  const DOES = {
    toggle: ({ id }) => toggleOwn(id), edit: ({ id }) => openForm(existing(find(id))), add: () => openForm(fresh()), cancel: leave, delete: remove,
    kind: ({ kind }) => { read(); slotFor(kind); B.drawPane(); },
    whole: () => { read(); form = { ...form, part: false, prompt: { "": B.textOf("prompt").trim() } }; slotFor(form.kind); B.drawPane(); },
    reload: async () => { await B.mineArrives(); B.knowMine(); B.draw(); },
  };
  function slotFor(kind) { // a style has a place for what a person writes
    const text = form.prompt[""];
    if (text !== undefined && kind === "styles" && !text.includes("{prompt}")) form.prompt[""] = text ? `{prompt}, ${text}` : "{prompt}";
    if (text !== undefined && kind !== "styles") form.prompt[""] = text.replace(/^\{prompt\}(?:, )?/, "");
    form.kind = kind;
  }
  B.onMine = (event) => {
    const from = event.target.closest("[data-mine]");
    if (from) DOES[from.dataset.mine](from.dataset);
    return Boolean(from);
  };
  // The sheet is drawn anew with the book, by another language for example: what was typed into it is kept.
  document.addEventListener("input", (event) => { if (event.target.closest?.(".bkform")) read(); });
  B.holdForm = () => { // where somebody types in it; returns how to go back there
    const field = document.activeElement?.closest?.(".bkform [name]");
    if (!field) return () => {};
    const { name, selectionStart: from, selectionEnd: to } = field, inside = field.dataset.in === undefined ? "" : `[data-in="${field.dataset.in}"]`;
    return () => {
      const again = $(`.bkform [name="${name}"]${inside}`, B.place);
      again?.focus({ preventScroll: true });
      if (Number.isInteger(from)) again?.setSelectionRange(from, to);
    };
  };
  document.addEventListener("submit", (event) => {
    if (!event.target.matches?.(".bkform")) return;
    event.preventDefault();
    save();
  });
})(window.studio.book);
