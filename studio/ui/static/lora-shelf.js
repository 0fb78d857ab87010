// The shelf of LoRAs and embeddings: looked through, sorted, opened; and how new ones come onto it.
((L) => {
  const { $, $$, t, plain, pick, said, icon, escape, bytes } = L;
  const SORTS = ["name", "newest", "size", "recent"];
  const view = { query: "", sort: "name", fits: false, starred: false, opened: "" };
  const ADD = "+"; // opened instead of a card: where new ones come from

  // -- kept in this browser: how somebody likes the shelf ------------------------------------------------------------
  const KEPT = ["sort", "fits", "starred"];
  try { Object.assign(view, JSON.parse(localStorage.getItem("studio.lora"))); } catch (error) { /* a fresh one */ }
  if (!SORTS.includes(view.sort)) view.sort = "name";
  function keep() {
    try { localStorage.setItem("studio.lora", JSON.stringify(Object.fromEntries(KEPT.map((name) => [name, view[name]])))); } catch (error) { /* private windows may refuse */ }
  }
  L.opened = () => view.opened;

  // -- which ones, in which order ----------------------------------------------------------------------------------------
  const fold = (text) => text.toLowerCase().normalize("NFKC").replace(/\s+/g, " ").trim();
  const found = (card) => !view.query || [...card.title, card.name, card.family, ...card.notes, ...card.triggers].some((text) => fold(text).includes(fold(view.query)));
  const ORDERS = {
    name: (a, b) => said(a.title).localeCompare(said(b.title), L.lang()),
    newest: (a, b) => b.changed - a.changed,
    size: (a, b) => b.bytes - a.bytes,
    recent: (a, b) => { const [x, y] = [a, b].map((card) => L.usedAt(card.id)); return x === y ? 0 : x - y; },
  };
  function listed() {
    const shown = L.cards.filter((card) => found(card) && (!view.fits || card.fits) && (!view.starred || card.favourite));
    const apart = view.sort !== "size"; // what can be used now stands first, but where the question is how large each is
    const rank = (card) => (card.fits ? 0 : 2) + (apart && !L.here(card) ? 1 : 0);
    return shown.sort((a, b) => rank(a) - rank(b) || ORDERS[view.sort](a, b) || ORDERS.name(a, b));
  }

  // -- drawing -----------------------------------------------------------------------------------------------------------
  L.shelfHtml = () => `${L.mixesHtml()}<section class="loshelf" aria-label="${t("shelf")}">${tools()}${coming()}${trouble()}${grid()}</section>`;

  function tools() {
    const field = `<div class="lofind">${icon("search")}<input type="search" placeholder="${t("search")}" aria-label="${t("search")}" data-value="${escape(view.query)}" autocomplete="off" spellcheck="false" enterkeyhint="search"></div>`;
    const fits = `<button type="button" class="loswitch" role="switch" aria-checked="${view.fits}" data-lora="fits"><i></i><span>${t("only_fitting")}</span></button>`;
    const sorts = SORTS.map((name) => `<option value="${name}">${t(`sort_${name}`)}</option>`).join("");
    const sort = `<label class="losort"><span class="sr">${t("sort")}</span><select data-value="${view.sort}">${sorts}</select></label>`;
    const star = `<button type="button" class="lochip" data-lora="starred" data-pressed="${view.starred}">${icon("star", "xs")}<span>${t("favourites")}</span></button>`;
    return `<div class="lotools">${field}${fits}<i class="lobreak"></i>${sort}${star}<span class="sp"></span><span class="i3 t12 num locount">${counted()}</span></div>`;
  }
  function counted() {
    const words = L.cards.filter(L.isWord).length, rest = L.cards.length - words;
    if (!L.cards.length) return "";
    return t("count", { n: rest }) + (words ? ` · ${t("count_words", { n: words })}` : "");
  }
  const trouble = () => (L.trouble ? `<p class="told lobad" role="alert">${icon("triangle-alert", "sm")}<span>${escape(L.trouble)}</span><button type="button" class="btn link" data-lora="again">${t("again")}</button></p>` : "");

  function grid() {
    const cards = listed(), add = L.admin ? window.studio.training.card() + addCard() : "";
    const none = cards.length || !L.known ? "" : `<p class="t13 i2 lonothing">${nothing()}</p>`;
    return `<div class="logrid">${add}${view.opened === ADD && L.admin ? addPanel() : ""}${cards.map((card) => cardHtml(card) + (view.opened === card.id ? details(card) : "")).join("")}${none}</div>`;
  }
  function nothing() {
    if (!L.cards.length) return t(L.admin ? "empty" : "empty_guest");
    return `${t(view.query ? "none_found" : view.starred ? "none_starred" : "none_fitting")} <button type="button" class="btn link" data-lora="all">${t("show_all")}</button>`;
  }

  // -- a card ------------------------------------------------------------------------------------------------------------
  const address = (card) => `api/loras/${encodeURIComponent(card.id)}/picture?${Math.round(card.changed)}`;
  const first = (name) => escape([...name.replace(/<[^>]*>|[^\p{L}\p{N}]/gu, "")][0]?.toUpperCase() || "·");
  // Without a picture there stands the first letter of its name, on rings as of a drop in ink.
  L.pictureOf = (card, name = "") => (card?.picture ? `<span class="lopic"><img src="${address(card)}" alt="" loading="lazy" draggable="false"></span>` : `<span class="lopic bare" aria-hidden="true">${first(card ? said(card.title) : name)}</span>`);

  function isOn(card) {
    return L.isWord(card) ? ["prompt", "negative"].some((side) => L.holds(card.name, side)) : Boolean(L.use(card.id));
  }
  function cardHtml(card) {
    const on = isOn(card), name = pick(card.title), away = !L.here(card);
    const tick = on ? `<i class="lotick">${icon("check", "xs")}</i>` : "";
    const kind = L.isWord(card) ? `<span class="badge">${t("embedding")}</span>` : card.family ? `<span class="badge">${brief(card.family)}</span>` : "";
    const under = card.fits ? `<span class="lometa${away ? " away" : ""}">${kind}<small class="num ell">${sizeOf(card)}</small></span>` : `<small class="lowhy">${short(card)}</small>`;
    const classes = `lc${on ? " on" : ""}${card.fits ? "" : " off"}${view.opened === card.id ? " open" : ""}`;
    const pressed = card.fits && !away ? ` data-pressed="${on}"` : ` data-opened="${view.opened === card.id}"`;
    return `<article class="${classes}" data-id="${escape(card.id)}"><button type="button" class="lcpick" data-lora="pick" data-id="${escape(card.id)}"${pressed} title="${name}">${L.pictureOf(card)}${tick}<b class="ell">${name}</b>${under}</button>`
      + `<button type="button" class="ib sm lcinfo" data-lora="open" data-id="${escape(card.id)}" data-opened="${view.opened === card.id}">${icon("info", "sm")}<span class="tip">${t("details")}</span><span class="sr">${name}</span></button>${away ? fetching(card) : ""}</article>`;
  }
  function sizeOf(card) {
    const size = card.bytes ? bytes(card.bytes) : "";
    return L.here(card) ? size : size ? t("size_away", { size }) : t("not_here");
  }
  const brief = (family) => escape(family.replace(/^Stable Diffusion (?=XL)/, "SD").replace(/^Stable Diffusion /, "SD "));
  const short = (card) => (card.trouble.code === "lora_family" ? t("needs", { family: brief(card.family || card.trouble.params.family) }) : t("unfit", { model: pick(L.model()) }));

  function fetching(card) {
    if (card.place === "missing") return "";
    if (card.fetching) return `<div class="locome">${bar({ ...card.fetching, rate: 0 })}<button type="button" class="btn small" data-lora="stop" data-id="${escape(card.id)}">${t("stop")}</button></div>`;
    const failed = card.failed ? `<p class="lofirst t12 i2">${t("failed")}</p>` : "";
    if (!L.admin) return `<p class="lofirst t12 i2">${t("on_demand")}</p>`;
    return `${failed}<button type="button" class="btn small lofetch" data-lora="fetch" data-id="${escape(card.id)}">${icon("download", "sm")}<span>${t("fetch")}</span></button>`;
  }
  function bar({ done, total, rate }) {
    const share = total ? Math.min(100, (100 * done) / total) : 0, speed = rate > 0 ? ` · ${(rate / 1e6).toFixed(1)} MB/s` : "";
    return `<div class="lobar" role="progressbar" aria-valuemin="0" aria-valuemax="100" aria-valuenow="${Math.round(share)}"><u style="width:${share}%"></u></div><small class="num i2">${total ? t("fetched", { done: bytes(done), total: bytes(total) }) + speed : t("begins")}</small>`;
  }

  // -- a card that is opened -----------------------------------------------------------------------------------------------
  function details(card) {
    const name = pick(card.title), failed = card.failed ? `<p class="told lobad" role="alert">${icon("triangle-alert", "sm")}<span>${pick(card.failed)}</span></p>` : "";
    const why = card.fits ? "" : `<p class="told lobad">${icon("triangle-alert", "sm")}<span>${pick(card.why)}</span></p>`;
    const notes = pick(card.notes) && `<p class="lonotes t13">${pick(card.notes)}</p>`;
    return `<section class="lomore" data-id="more-${escape(card.id)}" aria-label="${name}"><div class="lomhead"><b>${name}</b><span class="sp"></span>${starHtml(card)}<button type="button" class="ib bare sm" data-lora="open" data-id="${escape(card.id)}">${icon("x")}<span class="tip">${t("close")}</span></button></div>`
      + `<div class="lomrow">${L.pictureOf(card)}<dl class="lofacts grow">${facts(card)}</dl></div>${L.isWord(card) ? "" : L.triggersHtml(card)}${why}${failed}${notes}<div class="loacts">${buttons(card)}</div></section>`;
  }
  const starHtml = (card) => `<button type="button" class="ib bare sm lostar" data-lora="star" data-id="${escape(card.id)}" data-pressed="${card.favourite}">${icon("star")}<span class="tip">${t(card.favourite ? "unstar" : "star")}</span></button>`;
  function facts(card) {
    const changes = card.changes_text && card.changes_picture ? "changes_both" : card.changes_text ? "changes_text" : "changes_picture";
    const known = L.here(card) && !L.isWord(card);
    const told = [
      ["family", escape(card.family)], ["rank", card.rank || ""], ["size", card.bytes ? bytes(card.bytes) : ""],
      ["changes", known ? t(changes) : ""], ["base", escape(card.base)], ["author", escape(card.author)], ["licence", escape(card.licence)],
      ["typed_as", known ? `<code>&lt;lora:${escape(card.name)}:${card.weight}&gt;</code>` : L.isWord(card) ? `<code>${escape(card.name)}</code>` : ""],
    ];
    return told.filter(([, value]) => value !== "").map(([key, value]) => `<div><dt>${t(key)}</dt><dd class="num">${value}</dd></div>`).join("");
  }
  function buttons(card) {
    const button = (act, sign, key) => `<button type="button" class="btn small" data-lora="${act}" data-id="${escape(card.id)}">${icon(sign, "sm")}${t(key)}</button>`;
    if (L.isWord(card)) return card.fits ? L.chipHtml(card.name, "prompt", t("into_prompt")) + L.chipHtml(card.name, "negative", t("into_negative")) : "";
    if (!L.here(card)) return L.use(card.id) ? button("choose", "x", "take_out") : card.fits && card.place === "hub" ? button("choose", "plus", "use_fetched") : "";
    if (L.use(card.id)) return button("choose", "x", "take_out");
    return card.fits ? button("choose", "plus", "use") : "";
  }

  // -- new ones --------------------------------------------------------------------------------------------------------------
  const uploads = []; // {id, file, done, total, text}
  const seen = new Set(), away = new Set(); // arrivals that were under way while this page looked; those put aside
  let offered = null, asking = false, refused = ""; // what a repository has; whether it is asked; why not
  let repo = "", numbered = 0;

  function addCard() {
    return `<article class="lc lcadd${view.opened === ADD ? " open" : ""}" data-id="${ADD}"><button type="button" class="lcpick" data-lora="open" data-id="${ADD}" data-opened="${view.opened === ADD}"><span class="loplus">${icon("plus")}</span><b>${t("add")}</b><small>${t("add_how")}</small></button></article>`;
  }
  function addPanel() {
    const file = `<label class="btn small file">${icon("upload", "sm")}<span>${t("choose_file")}</span><input type="file" class="sr" accept=".safetensors" multiple data-lora-file></label>`;
    const wrong = refused ? `<p class="err rferr" role="alert">${icon("triangle-alert", "sm")}<span>${escape(refused)}</span></p>` : "";
    return `<section class="lomore" data-id="more-${ADD}" aria-label="${t("add")}"><div class="lomhead"><b>${t("add")}</b><span class="sp"></span><button type="button" class="ib bare sm" data-lora="open" data-id="${ADD}">${icon("x")}<span class="tip">${t("close")}</span></button></div>`
      + `<div class="rfbring lodrop">${file}<p class="t12 i3">${t("drop")}</p></div>`
      + `<form class="lorepo"><label class="t13 i2" for="lorepo">${t("repository")}</label><div><input id="lorepo" name="address" placeholder="NAME/REPO" data-value="${escape(repo)}" autocomplete="off" spellcheck="false" maxlength="400"><button class="btn"${asking ? " disabled" : ""}>${t(asking ? "looking" : "look")}</button></div><p class="t12 i3">${t("repository_hint")}</p></form>${wrong}${offers()}</section>`;
  }
  function offers() {
    if (!offered) return "";
    return `<ul class="looffers">${offered.files.map((one) => `<li><span class="ell grow" title="${escape(one.file)}">${escape(one.file)}</span><span class="num i3 t12">${one.bytes ? bytes(one.bytes) : ""}</span><button type="button" class="btn small" data-lora="bring" data-file="${escape(one.file)}">${icon("download", "sm")}${t("fetch")}</button></li>`).join("")}</ul>`;
  }
  function coming() {
    const rows = [...uploads.map(uploadRow), ...L.arrivals.filter((one) => (one.fetching || one.failed) && !away.has(one.id)).map(arrivalRow)];
    return rows.length ? `<ul class="locoming" aria-live="polite">${rows.join("")}</ul>` : "";
  }
  const row = (id, name, inner, act, key) => `<li data-id="${escape(id)}"><div class="grow"><b class="ell">${escape(name)}</b>${inner}</div><button type="button" class="ib bare sm" data-lora="${act}" data-id="${escape(id)}">${icon("x")}<span class="tip">${t(key)}</span></button></li>`;
  const failure = (text) => `<p class="err rferr" role="alert"><span>${text}</span></p>`;
  const uploadRow = (one) => row(one.id, one.file, one.text ? failure(escape(one.text)) : one.done < one.total ? bar({ ...one, rate: 0 }) : `<small class="i2">${t("checking")}</small>`, "unload", one.text ? "close" : "stop");
  const arrivalRow = (one) => row(one.id, one.file || one.repo, one.failed ? failure(pick(one.failed)) : bar(one.fetching), one.failed ? "aside" : "stop", one.failed ? "close" : "stop");

  L.arrived = () => {
    for (const one of L.arrivals) {
      if (one.fetching) seen.add(one.id);
      else if (one.lora && seen.delete(one.id)) show(one.lora);
    }
  };
  L.present = show;
  function show(id) { // what has just come is opened, whatever was looked for
    const card = L.card(id);
    if (!card) return;
    Object.assign(view, { query: "", starred: false, opened: id, fits: view.fits && card.fits });
    L.knowWords();
    L.draw();
    $(`.lc[data-id="${CSS.escape(id)}"]`, L.place)?.scrollIntoView({ block: "nearest" });
    L.say("on_the_shelf", { lora: pick(card.title) });
  }

  function upload(file) {
    const one = { id: `file-${(numbered += 1)}`, file: file.name, done: 0, total: Math.max(1, file.size), text: "" };
    uploads.push(one);
    const request = (one.request = new XMLHttpRequest());
    request.upload.onprogress = (event) => { one.done = event.loaded; L.draw(); };
    request.onload = async () => {
      let told = {};
      try { told = JSON.parse(request.responseText); } catch (error) { /* it is told below */ }
      if (request.status === 200 && told.id) { gone(one.id); await L.look(); show(told.id); } else fail(told.text);
    };
    const fail = (text) => { one.text = text || plain("away"); L.draw(); };
    request.onerror = () => fail("");
    request.open("POST", `api/loras/files?name=${encodeURIComponent(file.name)}`);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.send(file);
    L.draw();
  }
  function gone(id) {
    const at = uploads.findIndex((one) => one.id === id);
    if (at >= 0) uploads.splice(at, 1)[0].request.abort();
    L.draw();
  }
  const brought = (files) => { for (const file of files) upload(file); };

  async function trying(path, more) { // what comes of it, or null and the reason on the page
    refused = "";
    try { return await more(path); } catch (error) { refused = error.message; return null; } finally { L.draw(); }
  }
  async function lookThere() {
    asking = true;
    offered = null;
    const wanted = repo;
    L.draw();
    const files = await trying("/repository", (path) => L.post(path, { address: wanted }));
    asking = false;
    if (files && wanted === repo) offered = { address: wanted, files: files.files };
    if (offered?.files.length === 1) return bring(offered.files[0].file);
    L.draw();
  }
  async function bring(file) {
    const told = await trying("/bring", (path) => L.post(path, { address: offered.address, file }));
    if (!told) return;
    seen.add(told.id);
    L.look();
  }

  // -- hands ---------------------------------------------------------------------------------------------------------------------
  const set = (values) => { Object.assign(view, values); keep(); L.knowWords(); L.draw(); };
  const opens = (id) => { refused = ""; set({ opened: view.opened === id ? "" : id }); };
  async function told(id, path, more, ask = (asking) => asking()) { // asked for, and looked at again
    let trouble = "";
    try { await ask(() => L.ask(`/${encodeURIComponent(id)}${path}`, more)); } catch (error) { trouble = error.message; }
    if (!inOrder.busy()) L.stars.clear();
    await L.look();
    if (trouble) { L.trouble = trouble; L.draw(); }
  }
  const inOrder = window.studio.inOrder();
  const json = (body) => ({ method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  Object.assign(L.acts, {
    fits: () => set({ fits: !view.fits }),
    starred: () => set({ starred: !view.starred }),
    all: () => set({ query: "", fits: false, starred: false }),
    again: () => L.look(),
    open: (use, { id }) => opens(id),
    choose: (use, { id }) => L.toggle(L.card(id)),
    pick: (use, { id }) => { // what cannot be used says why, what is not here says what it is
      const card = L.card(id);
      if (L.use(id) && !L.isWord(card)) L.toggle(card);
      else if (!card.fits || !L.here(card)) opens(id);
      else if (L.isWord(card)) L.put(card.name, L.holds(card.name, "negative") && !L.holds(card.name, "prompt") ? "negative" : "prompt");
      else L.toggle(card);
    },
    star: (use, { id }) => { // the last word on a star is the last to arrive
      const card = L.card(id), on = (card.favourite = !card.favourite);
      L.stars.set(id, on);
      L.draw();
      told(id, "/favourite", json({ on }), inOrder);
    },
    fetch: (use, { id }) => told(id, "/fetch", { method: "POST" }),
    stop: (use, { id }) => told(id, "/fetch", { method: "DELETE" }),
    aside: (use, { id }) => { away.add(id); L.draw(); },
    unload: (use, { id }) => gone(id),
    bring: (use, { file }) => bring(file),
  });

  L.takeShelf = (place) => {
    place.addEventListener("input", (event) => {
      if (event.target.matches(".lofind input")) set({ query: event.target.value.trim() });
      if (event.target.matches("#lorepo")) { repo = event.target.value.trim(); offered = null; }
    });
    place.addEventListener("change", (event) => {
      if (event.target.matches(".losort select")) set({ sort: event.target.value });
      if (event.target.matches("[data-lora-file]")) { brought(event.target.files); event.target.value = ""; }
    });
    place.addEventListener("submit", (event) => { if (event.target.matches(".lorepo")) { event.preventDefault(); if (repo) lookThere(); } });
    place.addEventListener("keydown", keys);
  };
  function keys(event) {
    if (event.isComposing || event.keyCode === 229 || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.matches(".lofind input") && event.key === "Escape" && view.query) { event.stopPropagation(); set({ query: "" }); event.target.value = ""; }
    const card = event.target.closest(".lc")?.dataset.id;
    if (!card || event.target.matches("input, select")) return;
    if (event.key.startsWith("Arrow")) walk(event);
    if (event.key.toLowerCase() === "f" && L.card(card)) L.acts.star(null, { id: card });
  }
  function walk(event) {
    const all = $$(".lcpick", L.place), at = all.indexOf(event.target.closest(".lc").querySelector(".lcpick"));
    const columns = getComputedStyle($(".logrid", L.place)).gridTemplateColumns.split(" ").length;
    const next = all[at + { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[event.key]];
    event.preventDefault();
    event.stopPropagation();
    next?.focus();
  }

  // Heard before the easel, which takes pictures: a file of weights is dropped anywhere on the page.
  const weights = (event) => [...(event.dataTransfer?.files || [])].filter((file) => /\.safetensors$/i.test(file.name));
  document.addEventListener("drop", (event) => {
    const files = weights(event);
    if (!files.length || !L.place || !L.admin) return;
    event.preventDefault();
    L.show();
    brought(files);
  }, true);
  document.addEventListener("dragover", () => { // the easel's veil speaks of pictures
    const words = L.place?.offsetParent && $(".dropveil span");
    if (words) words.innerHTML = window.studio.training.open ? L.worded("training.drop_here") : t("drop_here");
  });
  L.show = () => $("#tab_lora-button")?.click();

  document.addEventListener("keydown", (event) => { // the slash looks for what this tab has
    const typing = event.target.closest?.("input, textarea, select, [contenteditable=true]");
    if (event.key !== "/" || typing || !L.place?.offsetParent || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    $(".lofind input", L.place)?.focus();
  }, true);
})(window.studio.lora);
