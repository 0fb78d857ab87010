// The Reference tab: up to four pictures that the result follows. What a person sets is kept as text in one field of
// the form; the tab is drawn from it here, and only maps are asked of the studio.
window.studio.reference = (() => {
  const root = document.documentElement;
  const { kit } = window.studio.easel;
  const $ = (query, from = document) => from.querySelector(query);
  const $$ = (query, from = document) => [...from.querySelectorAll(query)];
  const MOST = 4, PAUSE = 400; // references at once; milliseconds a setting rests before a map is asked for
  const OWN = { map: false, detector: "", settings: {}, net: "", weight: 1, start: 0, end: 1, balance: "even", fit: "crop", muted: false, waits: false };
  const LINED = new Set(["canny", "soft_edge", "lines", "scribble", "line_art"]); // light lines on black: what is drawn for one serves all
  const DRAWN = new Set([...LINED, "depth", "grey"]); // begun on a black sheet too
  const COLOURED = { // lines are corrected in white, the others in these colours: shades, named ones, any, in whole cells
    depth: { shades: true, hint: "recolour_depth" }, grey: { shades: true },
    segmentation: { flat: true, named: true }, normals: {}, shuffle: { free: true }, tile: { free: true },
    colour: { flat: true, free: true, cells: "grid" }, palette: { flat: true, free: true, cells: "stripes" },
  };
  const ICONS = {
    pose: "person-standing", canny: "pencil", soft_edge: "feather", depth: "layers", colour: "palette", palette: "palette",
    lines: "minus", scribble: "paintbrush", segmentation: "blend", line_art: "brush", normals: "box", shuffle: "shuffle",
    grey: "sun-medium", tile: "copy", style: "sparkles",
  };
  const BALANCES = ["even", "prompt", "reference"], FITS = ["crop", "fill", "stretch"];

  let place = null, units = [], written = null, numbered = 0;
  let asking = null; // the card a picture is being brought for
  const maps = new Map(); // by what is asked: how far its map is

  // -- words --------------------------------------------------------------------------------------------------------
  const lang = () => (root.dataset.lang === "zh" ? "zh" : "en");
  const escape = (text) => String(text).replace(/[&<>"]/g, (sign) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[sign]);
  const t = (key, params = {}) => (window.studio_words?.[`reference.${key}`]?.[lang()] ?? key).replace(/\{(\w+)\}/g, (whole, name) => (name in params ? params[name] : whole));
  const pick = (pair) => escape(pair[lang() === "zh" ? 1 : 0]);
  const list = (names) => names.map(pick).join(lang() === "zh" ? "、" : ", ");
  const icon = (name, more = "") => `<i class="ri ${more}" style="--i:url(assets-studio/icons/${name}.svg)"></i>`;
  const number = (value) => Number(value).toFixed(2);
  const percent = (value) => Math.round(100 * value);
  const bytes = (count) => (count >= 95e7 ? `${(count / 1e9).toFixed(1)} GB` : `${Math.max(1, Math.round(count / 1e6))} MB`);

  // -- what the model can follow, as the server tells it -------------------------------------------------------------
  let known = { text: "", kinds: [], model: ["", ""] };
  function told() {
    const text = place?.dataset.kinds || "";
    if (text !== known.text) known = { text, ...JSON.parse(text || '{"kinds":[],"model":["",""]}') };
    return known;
  }
  const kindOf = (unit) => told().kinds.find((kind) => kind.id === unit.kind);
  const titleOf = (unit) => (kindOf(unit) ? pick(kindOf(unit).title) : escape(unit.kind));
  const here = (detector) => detector.place !== "missing" && detector.place !== "hub" && !detector.trouble;
  function detectorOf(unit) {
    const every = kindOf(unit)?.detectors || [];
    return every.find((one) => one.id === unit.detector) || every.find(here) || every[0];
  }
  // A model without a net can still have maps taken, to look at: those references are left out of what is painted.
  const follows = () => told().kinds.some((kind) => kind.fits);
  const netted = () => told().kinds.some((kind) => kind.fits && !kind.held);
  const opens = (kind) => kind.fits || (!netted() && kind.maps && kind.detectors.some(here));
  const followed = (unit) => kindOf(unit)?.fits !== false;
  function rouse() { // what waits for a model that follows it counts with one; what a person muted stays so
    const waiting = units.filter((unit) => unit.waits && kindOf(unit) && unit.muted === followed(unit));
    for (const unit of waiting) unit.muted = !followed(unit);
    return waiting.length > 0;
  }

  // -- the form's field ---------------------------------------------------------------------------------------------
  const field = () => $("#controls textarea, #controls input");
  const own = (given) => ({ ...OWN, ...given, settings: { ...(given.settings || {}) } });
  const fresh = (given) => ({ ...own(given), id: String(++numbered) });
  function short({ id, busy, coming, text, notes: changes, left, sitting, ...unit }) {
    const said = Object.entries(unit).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(OWN[name]));
    return Object.fromEntries(said);
  }
  function write() {
    const box = field(), text = units.length ? JSON.stringify(units.map(short)) : "";
    written = text;
    if (!box || box.value === text) return;
    box.value = text;
    box.dispatchEvent(new Event("input", { bubbles: true }));
  }
  function hear() {
    const box = field();
    if (!box || box.value === written) return;
    written = box.value;
    const before = units, same = (one, at) => before[at]?.picture === one.picture && before[at]?.kind === one.kind;
    // A card that is the same picture as before stays itself: open where it was, and waiting for what is under way.
    units = (written ? JSON.parse(written) : []).map((one, at) => (same(one, at) ? Object.assign(before[at], own(one)) : fresh(one)));
    if (rouse()) write();
    draw();
    followMaps();
  }
  function changed(unit, values) {
    Object.assign(unit, values);
    rouse();
    write();
    draw();
    followMaps(PAUSE);
  }

  // -- kept in this browser: of what kind a map is, which picture it was taken from, and the joints of a pose ----------
  const NOTES = 300; // every stroke makes a map of its own
  function notes() {
    try { return JSON.parse(localStorage.getItem("studio.reference")) || {}; } catch (error) { return {}; }
  }
  function note(digest, what) {
    const rest = Object.entries(notes()).filter(([name]) => name !== digest).slice(-NOTES);
    const keep = (few) => localStorage.setItem("studio.reference", JSON.stringify({ ...Object.fromEntries(few), [digest]: what }));
    try { keep(rest); } catch (error) { // figures with hands and faces are long: the older half makes room
      try { keep(rest.slice(Math.ceil(rest.length / 2))); } catch (refused) { /* private windows may refuse */ }
    }
  }

  // -- maps -----------------------------------------------------------------------------------------------------------
  // By the detector that reads it now: another model may have one of its own.
  const asked = (unit) => JSON.stringify([unit.kind, unit.picture, detectorOf(unit)?.id, Object.entries(unit.settings).sort()]);
  const wants = (unit) => unit.picture && !unit.map && kindOf(unit)?.maps;
  const ready = (unit) => wants(unit) && detectorOf(unit) && here(detectorOf(unit));
  let pausing = 0;
  function followMaps(wait = 0) {
    clearTimeout(pausing);
    pausing = setTimeout(() => {
      const wanted = new Set(units.filter(wants).map(asked));
      for (const [key, map] of maps) if (map.stop && !wanted.has(key)) { map.stop.abort(); maps.delete(key); }
      for (const unit of units) if (ready(unit) && !maps.has(asked(unit))) detect(unit);
    }, wait);
  }
  async function detect(unit) {
    const key = asked(unit), stop = new AbortController();
    const { kind, picture, settings } = unit, detector = detectorOf(unit)?.id || "";
    maps.set(key, { stop });
    draw();
    try {
      const body = new Blob([JSON.stringify({ kind, picture, detector, settings })], { type: "application/json" });
      const answer = await window.studio.post("api/maps", body, stop.signal);
      maps.set(key, { picture: answer.picture, people: answer.figures });
      fetched(detector);
    } catch (error) {
      if (stop.signal.aborted) return;
      maps.set(key, { text: error.message });
    }
    draw();
  }
  function fetched(id) { // what has read once is here now, also before the studio says so
    const every = told().kinds.flatMap((kind) => kind.detectors);
    for (const one of every) if (one.id === id && one.place === "hub") one.place = "disk";
  }
  function suited(unit) { // to the detector that reads it for this model
    const reads = detectorOf(unit), within = (one, value) => one.lowest <= value && value <= one.highest;
    const takes = ([name, value]) => reads?.settings.some((one) => one.name === name && within(one, value));
    return (!unit.detector || reads?.id === unit.detector) && Object.entries(unit.settings).every(takes);
  }
  function forgetDetectors() { // that another model had for itself
    const strange = units.filter((unit) => kindOf(unit) && !suited(unit));
    for (const unit of strange) Object.assign(unit, { detector: "", settings: {} });
    return strange.length > 0;
  }
  function anotherModel() {
    const changes = [forgetDetectors(), rouse()];
    if (changes.includes(true)) write();
    draw();
    followMaps();
  }
  function peopleOf(unit) { // who is drawn in its map, where that was posed here or seen by a detector
    const map = mapOf(unit), people = notes()[map?.picture]?.people || map?.people;
    return people?.length ? { people } : {};
  }
  const mapOf = (unit) => (unit.map ? { picture: unit.picture } : maps.get(asked(unit)));

  // -- drawing ----------------------------------------------------------------------------------------------------------
  function draw() {
    if (!place) return;
    const made = document.createElement("template");
    made.innerHTML = (netted() ? "" : none()) + units.map(card).join("") + adding() + shelfHtml();
    window.studio.lay(place, made.content);
    for (const input of $$("[data-value]", place)) if (input.value !== input.dataset.value) input.value = input.dataset.value;
    for (const box of $$("[data-checked]", place)) box.checked = box.dataset.checked === "yes";
    for (const button of $$("[data-pressed]", place)) button.setAttribute("aria-pressed", button.dataset.pressed);
    const tab = $("#tab_reference-button"), count = units.filter((unit) => unit.picture && !unit.muted).length;
    if (tab) { if (count) tab.dataset.n = count; else delete tab.dataset.n; }
  }

  // -- ready references: pictures of the house to try a kind with, in one click -----------------------------------------
  let shelf = null, asking_shelf = null;
  async function bringShelf() {
    try { shelf = await (asking_shelf ||= fetch("references").then((answer) => answer.json())); draw(); } catch (error) { asking_shelf = null; } // the next visit asks again
  }
  const readyOf = (kind) => (shelf || []).filter((one) => one.kind === kind);
  const readyHtml = (kind) => readyOf(kind).map((one) => `<button type="button" class="rftry" data-ref="try" data-ready="${one.id}" aria-label="${t("try_one", { title: pick(one.title) })}"><img src="references/${one.picture}" alt="" loading="lazy" draggable="false"><small>${pick(one.title)}</small></button>`).join("");
  function shelfHtml() { // of what the model follows; closed once there are references, and open by itself before
    const kinds = told().kinds.filter((kind) => kind.fits && readyOf(kind.id).length);
    if (!kinds.length || units.length >= MOST) return "";
    const rows = kinds.map((kind) => `<div class="rfrow" data-id="${kind.id}"><h4>${icon(ICONS[kind.id] || "scan", "sm")}<b>${pick(kind.title)}</b><span>${t(`about_${kind.id}`)}</span></h4><div class="rftries">${readyHtml(kind.id)}</div></div>`).join("");
    return `<details class="rfshelf" data-id="${units.length ? "shelf" : "open-shelf"}"${units.length ? "" : " open"}><summary>${icon("chevron-right", "sm")}<b>${t("ready")}</b><span class="sp"></span><span class="i3">${t("ready_hint")}</span></summary>${rows}</details>`;
  }
  function tryReady(unit, { ready }) {
    const { kind, picture, map } = shelf.find((one) => one.id === ready);
    const file = fetch(`references/${picture}`).then((answer) => answer.blob()).catch(() => { throw new Error(window.studio.easel.say("unreachable")); });
    return carry(unit || add({ kind, picture: "" }), file, map);
  }

  function none() {
    const can = follows() ? "only_colours" : told().kinds.some(opens) ? "only_maps" : "none";
    return `<p class="told rfnone">${icon("info", "sm")}<span>${t(can, { model: pick(told().model) })}</span></p>`;
  }
  function adding() {
    if (units.length >= MOST) return `<p class="t12 i3 rffull">${t("full")}</p>`;
    const first = units.length || !netted() ? "" : `<p class="t13 i2">${t("about")}</p>`;
    const off = told().kinds.some(opens) ? "" : " disabled";
    return `${first}<button type="button" class="rfadd" data-ref="add"${off}>${icon("plus", "sm")}<span>${t("add")}</span></button>`;
  }

  function card(unit) {
    const classes = `rf${unit.muted && followed(unit) ? " muted" : ""}`;
    return `<article class="${classes}" data-id="${unit.id}" aria-label="${t("card", { kind: titleOf(unit) })}">${head(unit)}${refused(unit)}${unit.picture ? body(unit) : bringing(unit)}</article>`;
  }
  function head(unit) {
    const mute = unit.muted ? "unmute" : "mute";
    return `<header class="rfhead">${kinds(unit)}<span class="sp"></span>`
      + tool("mute", unit.muted ? "eye-off" : "eye", mute, unit.muted) + tool("remove", "x", "remove") + "</header>";
  }
  const tool = (act, name, key, pressed) => `<button type="button" class="ib bare sm" data-ref="${act}"${pressed === undefined ? "" : ` data-pressed="${pressed}"`}>${icon(name)}<span class="tip">${t(key)}</span></button>`;

  function kinds(unit) {
    const rows = told().kinds.map((kind) => kindRow(kind, kind.id === unit.kind)).join("");
    return `<div class="menu rfmenu"><button type="button" class="rfkind" data-local="menu" aria-haspopup="menu" aria-expanded="false">${icon(ICONS[unit.kind] || "scan")}<b>${titleOf(unit)}</b>${icon("chevron-down", "sm")}<span class="sr">${t("change_kind")}</span></button>`
      + `<div class="popover" role="menu" hidden>${rows}</div></div>`;
  }
  function kindRow(kind, chosen) {
    const off = opens(kind) ? "" : ' aria-disabled="true"';
    return `<button type="button" role="menuitemradio" aria-checked="${chosen}" data-ref="kind" data-kind="${kind.id}"${off}>${icon(ICONS[kind.id] || "scan")}`
      + `<span class="grow"><b>${pick(kind.title)}</b><small>${kind.fits ? t(`about_${kind.id}`) : why(kind)}</small></span>${chosen ? icon("check", "sm") : ""}</button>`;
  }
  const why = (kind) => (kind.elsewhere.length ? t("elsewhere", { model: pick(told().model), others: list(kind.elsewhere) }) : t("nowhere"));
  function refused(unit) {
    const kind = kindOf(unit);
    if (!kind || kind.fits) return "";
    return `<p class="told rfbad" role="note">${icon("triangle-alert", "sm")}<span>${why(kind)}</span></p>`;
  }

  function bringing(unit) {
    if (unit.busy) return `<div class="rfbring"><p class="t13 i2">${t("bringing")}</p></div>`;
    const draws = DRAWN.has(unit.kind) ? `<button type="button" class="btn small" data-ref="draw">${icon("paintbrush", "sm")}${t("draw")}</button>` : "";
    const poses = unit.kind === "pose" && kit.posing ? `<button type="button" class="btn small" data-ref="pose">${icon("person-standing", "sm")}${t("pose")}</button>` : "";
    const camera = navigator.mediaDevices?.getUserMedia ? `<button type="button" class="btn small rfcamera" data-ref="camera">${icon("camera", "sm")}${t("camera")}</button>` : "";
    const photo = file("photo", "camera", ' capture="environment"', "btn small file photo");
    const tries = readyOf(unit.kind).length ? `<p class="t12 i2">${t("try")}</p><div class="rftries">${readyHtml(unit.kind)}</div>` : "";
    const gallery = `<button type="button" class="btn small" data-ref="gallery">${icon("images", "sm")}${t("gallery")}</button>`;
    return `<div class="rfbring"><div class="rfways">${file("choose", "image")}${poses}${draws}${photo}${camera}${gallery}</div><p class="t12 i3 rfdrop">${t("drop")}</p>${trouble(unit.text)}${tries}</div>`;
  }
  const file = (key, name, more = "", classes = "btn small file") => `<label class="${classes}">${icon(name, "sm")}<span>${t(key)}</span><input type="file" accept="image/*" class="sr" data-ref-file${more}></label>`;
  const trouble = (text, again = "") => (text ? `<p class="err rferr" role="alert">${icon("triangle-alert", "sm")}<span>${escape(text)}</span>${again}</p>` : "");

  function body(unit) {
    const map = mapOf(unit), source = unit.map ? notes()[unit.picture]?.source : unit.picture;
    const pictures = (source ? figure("picture", source) : "") + (wants(unit) || unit.map ? figure("map", map?.picture, reading(unit, map)) : "");
    return `<div class="rfbody"><div class="rfpics">${pictures}</div><div class="rfset">${followed(unit) ? weight(unit) : ""}${mapped(unit)}</div></div>`
      + (unit.busy ? `<p class="t12 i2" role="status">${t("bringing")}</p>` : "") + trouble(map?.text, `<button type="button" class="btn link" data-ref="detect">${t("again")}</button>`) + trouble(unit.text) + remarks(unit) + acts(unit, map) + more(unit);
  }
  const remarks = (unit) => (unit.notes || []).map((text) => `<p class="t12 i2" role="note">${escape(text)}</p>`).join("");
  function figure(key, digest, inside = "") {
    const image = digest ? `<img src="api/inputs/${digest}" alt="${t(key)}" draggable="false">` : "";
    return `<figure class="rfpic" data-fig="${key}">${image}${inside}<figcaption class="lbl">${t(key)}</figcaption></figure>`;
  }
  function reading(unit, map) {
    if (map?.picture || map?.text) return "";
    if (map?.stop) return `<span class="rfwait" role="status">${t("reading")}<i class="rfbar"></i></span>`;
    const detector = detectorOf(unit);
    if (!detector) return `<span class="rfwait">${t("no_detector")}</span>`;
    if (detector.trouble) return `<span class="rfwait">${pick(detector.trouble)}</span>`;
    if (detector.place === "missing") return `<span class="rfwait">${t("missing")}</span>`;
    if (detector.place !== "hub") return `<span class="rfwait"></span>`;
    const size = detector.bytes ? ` · ${bytes(detector.bytes)}` : "";
    return `<span class="rfwait"><button type="button" class="btn small" data-ref="detect">${t("fetch")}${size}</button></span>`;
  }

  const slider = (name, key, value, [least, most, step], shown, more = "") => `<label class="rfs"><span class="rfl"><span>${key}</span><b class="num">${shown}</b></span>`
    + `<input type="range" min="${least}" max="${most}" step="${step}" data-set="${name}" data-value="${value}"${more} style="--at:${(100 * (value - least)) / (most - least)}%"></label>`;
  const weight = (unit) => slider("weight", t("weight"), unit.weight, [0, 2, 0.05], number(unit.weight));
  const segment = (name, key, answers, chosen) => `<div class="rfseg" role="radiogroup" aria-label="${key}">${answers.map(([value, words]) => `<button type="button" role="radio" aria-checked="${value === chosen}" data-ref="${name}" data-answer="${value}">${words}</button>`).join("")}</div>`;
  const mapped = (unit) => (kindOf(unit)?.maps !== false ? segment("map", t("what"), [["no", t("detects")], ["yes", t("is_map")]], unit.map ? "yes" : "no") : `<p class="t12 i2">${t("no_map")}</p>`);

  function acts(unit, map) {
    const button = (act, name, key, data = "") => `<button type="button" class="btn small" data-ref="${act}" data-id="${act}"${data}>${icon(name, "sm")}${t(key)}</button>`;
    // What comes with the map stands behind: no button may turn into another one under a finger.
    const every = [button("size", "scan", "take_size"), file("replace", "refresh-cw")];
    if (map?.picture) {
      if (unit.kind === "pose" && kit.posing) every.push(button("pose", "person-standing", "edit_pose"));
      if (DRAWN.has(unit.kind) || COLOURED[unit.kind]) every.push(button("draw", "paintbrush", "correct"));
      if (!unit.map) every.push(button("keep", "check", "use_map"));
      every.push(`<a class="btn small" href="api/inputs/${map.picture}" download="${unit.kind}-map.png">${icon("download", "sm")}${t("download")}</a>`);
    }
    if (unit.map && notes()[unit.picture]?.source) every.push(button("source", "undo-2", "source"));
    return `<div class="rfacts">${every.join("")}</div>`;
  }

  // -- what folds away -----------------------------------------------------------------------------------------------
  function more(unit) {
    return `<details class="rfmore"><summary>${icon("chevron-right", "sm")}<b>${t("more")}</b><span class="sp"></span><span class="i3 num">${summary(unit)}</span></summary><div class="rfin">`
      + (wants(unit) ? detectors(unit) : "") + (followed(unit) ? influence(unit) : "") + "</div></details>";
  }
  function influence(unit) {
    return range(unit) + labelled("balance", segment("balance", t("balance"), BALANCES.map((one) => [one, t(`balance_${one}`)]), unit.balance))
      + labelled("fit", segment("fit", t("fit"), FITS.map((one) => [one, t(`fit_${one}`)]), unit.fit)) + nets(unit);
  }
  const labelled = (key, inner) => `<div><p class="rfl"><span>${t(key)}</span></p>${inner}</div>`;
  function summary(unit) {
    const parts = [];
    if (wants(unit) && detectorOf(unit)) parts.push(pick(detectorOf(unit).title));
    if (unit.start > 0 || unit.end < 1) parts.push(`${percent(unit.start)}–${percent(unit.end)}%`);
    if (unit.balance !== "even") parts.push(t(`balance_${unit.balance}`));
    if (unit.fit !== "crop") parts.push(t(`fit_${unit.fit}`));
    return parts.join(" · ");
  }
  function detectors(unit) {
    const every = kindOf(unit)?.detectors || [], chosen = detectorOf(unit);
    const option = (one) => `<option value="${one.id}">${pick(one.title)}${here(one) ? "" : ` · ${t(one.place === "hub" ? "to_fetch" : "missing")}`}</option>`;
    const choose = every.length > 1 ? `<label class="rfpick"><span>${t("detector")}</span><select data-set="detector" data-value="${chosen.id}">${every.map(option).join("")}</select></label>` : "";
    return choose + (chosen?.settings || []).map((one) => setting(unit, one)).join("");
  }
  function setting(unit, one) {
    const value = unit.settings[one.name] ?? one.default, name = `settings.${one.name}`;
    if (one.switch) return `<label class="rfcheck"><input type="checkbox" data-set="${name}" data-checked="${value ? "yes" : "no"}"><span>${pick(one.title)}</span></label>`;
    return slider(name, pick(one.title), value, [one.lowest, one.highest, one.step], value);
  }
  function range(unit) {
    const thumb = (name, value) => `<input type="range" min="0" max="1" step="0.05" data-set="${name}" data-value="${value}" aria-label="${t(name)}">`;
    const style = `--from:${percent(unit.start)}%;--to:${percent(unit.end)}%`;
    return `<div class="rfs"><span class="rfl"><span>${t("range")}</span><b class="num">${percent(unit.start)} – ${percent(unit.end)}%</b></span><div class="rfrange" style="${style}">${thumb("start", unit.start)}${thumb("end", unit.end)}</div></div>`;
  }
  function nets(unit) {
    const kind = kindOf(unit), every = [...(kind?.held ? [""] : []), ...(kind?.nets || [])];
    if (every.length < 2) return "";
    const options = every.map((net) => `<option value="${net}">${net ? escape(net) : t("no_net")}</option>`).join("");
    return `<label class="rfpick"><span>${t("net")}</span><select data-set="net" data-value="${unit.net || every[0]}">${options}</select></label>`;
  }

  // -- what a person does ----------------------------------------------------------------------------------------------
  const unitAt = (element) => units.find((unit) => unit.id === element.closest(".rf")?.dataset.id);
  const firstKind = () => { // whose map can be taken here, and which is not among the others yet
    const fits = told().kinds.filter(opens), easy = fits.filter((kind) => !kind.maps || kind.detectors.some(here));
    return (easy.find((kind) => units.every((unit) => unit.kind !== kind.id)) || easy[0] || fits[0])?.id;
  };
  const ACTS = {
    add: () => { const kind = firstKind(); if (kind) add({ kind, picture: "" }); },
    remove: (unit) => { leave(unit); units = units.filter((one) => one !== unit); write(); draw(); followMaps(); $(".rfadd", place)?.focus(); },
    mute: (unit) => changed(unit, { muted: !unit.muted, waits: false }),
    kind: (unit, { kind }) => another(unit, kind),
    map: (unit, { answer }) => changed(unit, { map: answer === "yes" }),
    balance: (unit, { answer }) => changed(unit, { balance: answer }),
    fit: (unit, { answer }) => changed(unit, { fit: answer }),
    detect: (unit) => detect(unit),
    keep: (unit) => asMap(unit, mapOf(unit).picture, peopleOf(unit)),
    source: (unit) => { leave(unit); delete unit.left; changed(unit, { picture: notes()[unit.picture].source, map: false }); },
    size: (unit) => takeSize(unit),
    draw: (unit) => sketch(unit),
    pose: (unit) => pose(unit),
    camera: (unit) => camera(unit),
    gallery: () => window.studio.go("gallery"),
    try: tryReady,
  };
  function add(given) {
    const unit = fresh(given), waits = !followed(unit);
    units = [...units, { ...unit, muted: waits, waits }];
    write();
    draw();
    followMaps();
    $(`.rf[data-id="${units.at(-1).id}"]`, place)?.scrollIntoView({ block: "nearest" });
    return units.at(-1);
  }
  const sourceOf = (unit) => (unit.map ? notes()[unit.picture]?.source : unit.picture) || "";
  function asMap(unit, digest, more = {}) {
    delete unit.busy;
    delete unit.notes;
    const source = sourceOf(unit);
    note(digest, { kind: unit.kind, ...(source ? { source } : {}), ...more });
    changed(unit, { picture: digest, map: true });
  }
  function posed(id, digest, people) {
    const unit = units.find((one) => one.id === id);
    if (unit?.kind === "pose") asMap(unit, digest, { people });
  }

  // -- another kind: a map of one kind says nothing as another ----------------------------------------------------------
  async function another(unit, kind) {
    if (kind === unit.kind) return;
    if (onBoard(unit)) await window.studio.easel.settled().catch(() => {}); // the board itself has told why
    leave(unit);
    const fresh = { kind, detector: "", settings: {}, net: "", ...rousing(unit, kind) };
    changed(unit, { ...fresh, ...(back(unit, kind) || readAnew(unit, kind)) });
  }
  function rousing(unit, kind) { // what is not followed waits, as it would for a model that follows it
    if (followed({ kind })) return unit.waits ? { muted: false } : {};
    return unit.muted ? {} : { muted: true, waits: true };
  }
  function back(unit, kind) { // to the kind that was left, nothing of it was lost
    if (unit.left?.now.kind !== kind || unit.map || unit.picture !== unit.left.from) return null;
    unit.notes = [t("map_back")];
    return unit.left.now;
  }
  function readAnew(unit, kind) {
    const { detector, settings, picture } = unit, of = unit.map && notes()[picture];
    if (!of || (!of.source && LINED.has(of.kind) && LINED.has(kind))) return {};
    const from = of.source || picture;
    unit.left = { now: { kind: unit.kind, detector, settings, picture, map: true }, from };
    unit.notes = [t(of.source ? "read_anew" : "read_drawing", { kind: titleOf(unit) })];
    return { picture: from, map: false };
  }
  async function takeSize(unit) {
    const size = await sizeOf(unit);
    if (size) $("[data-do=take_size]", place.parentElement).dataset.size = size.join("x");
    if (size) $("[data-do=take_size]", place.parentElement).click();
  }
  async function sizeOf(unit) {
    try { const image = await kit.picture(unit.picture); return [image.naturalWidth, image.naturalHeight]; }
    catch (error) { unit.text = error.message; draw(); return null; }
  }

  function clicked(event) {
    const button = event.target.closest("[data-ref]");
    if (!button || button.disabled || button.getAttribute("aria-disabled") === "true") return;
    ACTS[button.dataset.ref](unitAt(button), button.dataset);
  }
  function set(event) {
    const input = event.target.closest("[data-set]"), unit = input && unitAt(input);
    if (!unit) return;
    const name = input.dataset.set, value = input.type === "checkbox" ? Number(input.checked) : input.type === "range" ? Number(input.value) : input.value;
    // Settings are one detector's: without its name, another that comes first one day would be given them.
    if (name.startsWith("settings.")) Object.assign(unit, { detector: detectorOf(unit).id, settings: { ...unit.settings, [name.slice(9)]: value } });
    else if (name === "detector") Object.assign(unit, { detector: value, settings: {} });
    else if (name === "start") unit.start = Math.min(value, unit.end - 0.05);
    else if (name === "end") unit.end = Math.max(value, unit.start + 0.05);
    else unit[name] = value;
    for (const end of ["start", "end"]) unit[end] = Math.round(100 * Math.min(1, Math.max(0, unit[end]))) / 100;
    changed(unit, {});
  }
  function radioKeys(event) {
    const radio = event.target.closest("[role=radio]"), by = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
    if (!radio || !by) return;
    const every = $$("[role=radio]", radio.parentElement), next = every[(every.indexOf(radio) + by + every.length) % every.length];
    event.preventDefault();
    event.stopPropagation();
    next.click();
    next.focus();
  }

  // -- bringing a picture ----------------------------------------------------------------------------------------------
  function chosen({ target }) {
    const [file] = target.matches("[data-ref-file]") ? target.files : [];
    if (!file) return;
    target.value = ""; // the same file may be chosen again
    carry(unitAt(target), file);
  }
  function carry(unit, file, map = false) { // a file, or the promise of one
    const over = () => { if (unit.coming === coming) delete unit.coming; }, coming = come(unit, file, map);
    unit.coming = coming;
    coming.then(over, over);
  }
  // Nobody is painted by references that are not all there yet.
  const settled = () => Promise.all(units.filter((unit) => !unit.muted).map((unit) => unit.coming));
  async function come(unit, file, map) {
    const mine = Symbol("the file that is brought for it"); // chosen last, it wins over what arrives later
    Object.assign(unit, { text: "", busy: mine });
    draw();
    try {
      const brought = await window.studio.bring(await file);
      if (unit.busy === mine) taken(unit, brought, map);
    } catch (error) {
      if (unit.busy !== mine) return;
      Object.assign(unit, { text: error.message, busy: false });
      draw();
      throw error;
    }
  }
  function taken(unit, brought, map = false) {
    leave(unit);
    delete unit.busy;
    delete unit.text;
    if (map) note(brought.picture, { ...notes()[brought.picture], kind: unit.kind });
    unit.notes = (brought.notes || []).map((one) => one.text); // what was changed about it as it came
    changed(unit, { picture: brought.picture, map });
  }
  const opened = () => Boolean(place?.offsetParent);
  function target() { // the card under the pointer, else one that waits for a picture, else a new one
    const waiting = units.find((unit) => unit.id === asking) || units.find((unit) => !unit.picture);
    asking = null;
    if (waiting || units.length >= MOST) return waiting;
    const kind = firstKind();
    return kind && add({ kind, picture: "" });
  }
  // Heard before the form's own: what is dropped or pasted while this tab is open is a reference.
  function brought(event) {
    if (!opened()) return;
    event.stopImmediatePropagation();
    if (event.type !== "studio:brought") return event.type === "studio:bring-failed" && toast(event.detail.text);
    const unit = target();
    if (unit) taken(unit, event.detail); else window.studio.toast("reference.full");
  }
  const toast = (text) => document.dispatchEvent(new CustomEvent("easel:failed", { detail: { text } }));

  // -- the camera --------------------------------------------------------------------------------------------------------
  async function camera(unit) {
    let stream;
    try { stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } }); }
    catch (error) { unit.text = t("no_camera"); return draw(); }
    const video = Object.assign(document.createElement("video"), { srcObject: stream, muted: true, playsInline: true });
    const dialog = document.createElement("dialog");
    dialog.className = "ask rfshoot";
    dialog.innerHTML = `<div class="row"><button type="button" class="btn" value="no">${t("cancel")}</button><button type="button" class="btn pri" value="yes">${t("shoot")}</button></div>`;
    dialog.prepend(video);
    dialog.addEventListener("close", () => { for (const track of stream.getTracks()) track.stop(); dialog.remove(); });
    dialog.addEventListener("click", (event) => {
      const answer = event.target.closest("button")?.value;
      if (answer === "yes") shoot(unit, video);
      if (answer) dialog.close();
    });
    $(".gradio-container").append(dialog);
    dialog.showModal();
    video.play();
  }
  function shoot(unit, video) {
    const sheet = kit.canvas(video.videoWidth, video.videoHeight);
    sheet.getContext("2d").drawImage(video, 0, 0);
    carry(unit, kit.blob(sheet, "image/jpeg")); // a camera that shows nothing yet is told on the card
  }

  // -- drawing a map on the easel ------------------------------------------------------------------------------------------
  let drawn = null, sat = 0; // the card whose map is on the easel; how often one was put there
  async function sketch(unit) {
    const map = mapOf(unit)?.picture || "", source = sourceOf(unit);
    const size = unit.picture ? await sizeOf(unit) : formSize();
    if (!size) return;
    const pen = COLOURED[unit.kind], detected = (unit.map && notes()[map]?.detected) || map;
    const coloured = pen && { pen: { ...pen, count: cellsOf(unit) }, detected };
    unit.sitting = ++sat;
    const more = { unit: unit.id, sitting: sat, detected };
    onEasel(pen ? "colours" : "sketch", { picture: source === map ? "" : source, mask: map, size, more, ...coloured });
    drawn = unit.id;
  }
  function cellsOf(unit) { // along the shorter side of a grid
    const cells = detectorOf(unit)?.settings.find((one) => one.name === "cells");
    return unit.settings.cells ?? cells?.default;
  }
  const onBoard = (unit) => drawn === unit.id && ["sketch", "colours", "pose"].includes(document.body.dataset.easel);
  function leave(unit) { // what is still under way of its drawing is not waited for
    delete unit.sitting;
    if (onBoard(unit)) window.studio.easel.close();
  }
  async function pose(unit) {
    const map = mapOf(unit)?.picture || "", source = sourceOf(unit), { people } = peopleOf(unit);
    const size = unit.picture ? await sizeOf(unit) : formSize(), { id } = unit;
    if (!size) return;
    kit.posing({ picture: source === map ? "" : source, map, people, size }, (digest, joints) => posed(id, digest, joints));
    drawn = id;
  }
  function onEasel(way, options) {
    if (matchMedia("(max-width: 899px)").matches) window.studio.go("picture");
    document.body.dataset.easel = way;
    return window.studio.easel.open($("#easel .host"), { way, ...options }).catch((error) => { window.studio.easel.close(); toast(error.message); });
  }
  function formSize() {
    const found = ($("#size input:checked")?.value || "512x512").split("x").map(Number);
    return found.every(Number.isFinite) && found.length === 2 ? found : [512, 512];
  }
  document.addEventListener("easel:drawn", (event) => {
    const unit = units.find((one) => one.id === event.detail.unit);
    if (!unit || unit.sitting !== event.detail.sitting) return; // it holds another picture by now
    // Taken back to nothing, there is no drawing: nobody follows a stroke that is not there.
    const { mask, detected } = event.detail;
    if (mask) asMap(unit, mask, detected ? { detected } : {}); else changed(unit, { picture: "", map: false });
  });

  document.addEventListener("easel:close", () => { drawn = null; });

  // -- coming in -------------------------------------------------------------------------------------------------------------
  function mount(element) {
    place = $(".refs", element) || element;
    place.addEventListener("click", clicked);
    place.addEventListener("input", set);
    place.addEventListener("keydown", radioKeys);
    place.addEventListener("change", chosen);
    new MutationObserver(anotherModel).observe(place, { attributeFilter: ["data-kinds"] });
    draw();
    hear();
    bringShelf();
    anotherModel(); // what was heard before this tab was opened has no map yet
  }
  for (const name of ["studio:bringing", "studio:brought", "studio:bring-failed"]) window.addEventListener(name, brought, true);
  document.addEventListener("drop", (event) => { asking = event.target.closest?.(".rf")?.dataset.id || null; }, true);
  document.addEventListener("studio:form", () => setTimeout(hear, 0));
  new MutationObserver(draw).observe(root, { attributeFilter: ["data-lang"] });
  new MutationObserver(() => { for (const wait of [0, 300]) setTimeout(hear, wait); }).observe(document.documentElement, { subtree: true, attributeFilter: ["data-ready"] });

  return { mount, settled, open: () => $("#tab_reference-button")?.click(), onEasel };
})();
