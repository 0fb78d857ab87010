// Training LoRAs: what a person brings and sets, in the LoRA tab; training-watch.js draws what lies over the stage.
window.studio.training = ((L) => {
  const { $, $$, pick, said, icon, escape } = L;
  const SOON = 300, NEAR = 1000, FAR = 5000; // milliseconds: after a change, while one learns and is looked at, and else
  const MOST = 200, MOST_PROMPTS = 4;
  const PRESETS = ["style", "subject", "person"], NUMBERS = ["steps", "rank", "learning_rate", "resolution", "batch", "seed"];
  const EMPTY = {
    model: "", name: "", trigger: "", preset: "style", pictures: [], text_encoder: false, prompts: "",
    rank: null, steps: null, learning_rate: null, resolution: null, batch: null, seed: null, sample_every: null,
    captioner: "", rewrite: false, writing: null, // of training-captions.js, and not of what is sent
  };
  const ACTIVE = ["queued", "running"];

  // What training-watch.js shares: what is known, what is set, which training is looked at (none: the new one).
  const T = { open: false, all: [], models: [], known: false, form: { ...EMPTY }, plan: null, watched: "", seen: null };
  let refused = "", wrong = "", notes = [], upload = null, beginning = false;
  const later = []; // files that wait until those before them are there

  // -- words --------------------------------------------------------------------------------------------------------
  T.t = (key, params) => L.worded(`training.${key}`, params);
  const { t } = T;
  const parted = (seconds) => (seconds >= 3600 ? ["hours", Math.floor(seconds / 3600), Math.round((seconds % 3600) / 60)] : ["minutes", Math.floor(seconds / 60), Math.round((seconds % 60) / 10) * 10]);
  T.lasting = (seconds) => { // in the two largest parts; nobody wants to know more
    if (seconds < 55) return t("seconds", { n: Math.max(1, Math.ceil(seconds)) });
    const [key, whole, rest] = parted(seconds);
    return rest && rest < 60 ? t(`${key}_more`, { n: whole, more: rest }) : t(key, { n: whole + (rest === 60) });
  };
  T.small = (number) => (number && number < 0.001 ? Number(number).toExponential().replace("e-", "e-") : String(Number(number)));

  // -- the unsent form, kept in this browser ------------------------------------------------------------------------
  try { T.form = { ...EMPTY, ...JSON.parse(localStorage.getItem("studio.training")) }; } catch (error) { /* a fresh one */ }
  function keep() {
    try { localStorage.setItem("studio.training", JSON.stringify(T.form)); } catch (error) { /* private windows may refuse */ }
  }
  T.set = (values) => { Object.assign(T.form, values); wrong = ""; keep(); planSoon(); };
  const draft = () => {
    const { prompts, pictures, captioner, rewrite, writing, ...rest } = T.form;
    const samples = prompts.split("\n").map((line) => line.trim()).filter(Boolean).slice(0, MOST_PROMPTS);
    return { ...rest, model: model(), samples, pictures: pictures.map(({ picture, size, name, caption }) => ({ picture, size, name, caption })) };
  };
  const fitting = () => T.models.filter((one) => !one.why);
  const model = () => [T.form.model, L.told().model].find((id) => fitting().some((one) => one.id === id)) || fitting()[0]?.id || "";
  const titleOf = (id) => { const found = T.models.find((one) => one.id === id); return found ? pick(found.title) : escape(id); };
  T.titleOf = titleOf;

  // -- the studio ---------------------------------------------------------------------------------------------------
  async function ask(path, more) {
    let answer;
    try { answer = await fetch(`api/trainings${path}`, more); } catch (error) { throw new Error(L.plain("away")); }
    const told = await answer.json().catch(() => ({}));
    if (!answer.ok) throw Object.assign(new Error(told.text || L.plain("away")), { refused: true });
    return told;
  }
  const post = (path, body) => ask(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body ?? {}) });
  Object.assign(T, { ask, post });

  let pausing = 0, planned = 0, planFor = "";
  function planSoon() { clearTimeout(pausing); pausing = setTimeout(makePlan, SOON); }
  async function makePlan() { // what is set, as the studio would do it
    if (!T.open || !model()) return;
    const mine = (planned += 1);
    planFor = model();
    try {
      const plan = await post("/plan", draft());
      if (mine === planned) { T.plan = plan; refused = ""; }
    } catch (error) { if (mine === planned) refused = error.message; }
    if (mine === planned) L.draw();
  }

  let looking = 0, turn = 0;
  T.look = async () => {
    clearTimeout(looking);
    const mine = (turn += 1), before = T.all;
    try {
      const told = await ask("");
      if (mine !== turn) return;
      Object.assign(T, { all: told.trainings, models: told.models, known: true });
      if (T.watched && !T.one()) T.watched = "";
      if (T.open && T.watched) await lookCloser(mine);
    } catch (error) { /* the page says so itself where the studio is away */ }
    if (mine !== turn) return;
    if (T.changing && changed()) T.changing = null; // only now: a closer look may be the first that shows it
    for (const one of T.all) if (one.state === "done" && before.some((was) => was.id === one.id && was.state !== "done")) ended(one);
    L.draw();
    if (!document.hidden) looking = setTimeout(T.look, T.all.some(active) ? (T.shown() ? NEAR : FAR) : 12 * FAR);
  };
  async function lookCloser(mine) {
    const id = T.watched, whole = await ask(`/${id}`);
    if (mine !== turn || id !== T.watched) return;
    T.seen = whole;
    T.all = T.all.map((one) => (one.id === id ? whole : one)); // it may have become ready since all were told
  }
  const active = (one) => ACTIVE.includes(one.state);
  T.active = active;
  T.one = () => T.all.find((one) => one.id === T.watched);
  T.shown = () => T.open && Boolean(L.place?.offsetParent);
  function ended(one) {
    L.look();
    L.toast(t("ready_toast", { name: escape(one.name) }));
  }
  T.change = async (id, change) => { // pause, resume, keep, discard
    const state = T.one()?.state;
    Object.assign(T, { trouble: "", changing: { id, change, state } });
    L.draw();
    try { await post(`/${id}/${change}`); } catch (error) { Object.assign(T, { trouble: error.message, changing: null }); }
    if (change === "discard" && !T.trouble) { Object.assign(T, { watched: "", changing: null, all: T.all.filter((one) => one.id !== id) }); }
    L.draw();
    if (!T.watched) $(".trhead .ib", L.place)?.focus();
    T.look();
  };
  const changed = () => { // whether what was asked for shows: a device ends its step first
    const { id, change, state } = T.changing || {}, one = T.all.find((other) => other.id === id);
    return !one || one.state !== state || (change === "keep" && one.early);
  };

  // -- coming and going -------------------------------------------------------------------------------------------------
  T.show = (id = "") => { // the form with its pictures, or one that learns
    T.open = true;
    T.watched = id;
    if (T.seen?.id !== id) T.seen = null;
    Object.assign(T, { trouble: "", asking: "", zoomed: 0 });
    L.draw();
    if (!id) T.look().then(makePlan);
    else T.look();
  };
  const leave = () => { T.open = false; L.draw(); ($(".lctrain .lctake", L.place) || $(".lofind input", L.place))?.focus(); };

  // -- pictures -----------------------------------------------------------------------------------------------------------
  const readable = (file) => /^image\//.test(file.type) || /\.(zip|txt|caption|png|jpe?g|webp|gif|avif|tiff?|bmp|psd|heic|heif|jxl)$/i.test(file.name);
  T.bring = (files) => {
    const wanted = [...files].filter(readable);
    if (!files.length) return;
    if (upload) { later.push(...wanted); return; } // one after the other
    Object.assign(T, { open: true, watched: "" });
    wrong = "";
    notes = [];
    if (!wanted.length) { wrong = t("no_pictures"); L.draw(); return; }
    sendFiles(wanted);
  };
  function sendFiles(files) {
    const body = new FormData();
    for (const file of files) body.append("files", file, file.name);
    send(body, files.reduce((sum, file) => sum + file.size, 0));
  }
  function send(body, total) {
    const request = new XMLHttpRequest();
    upload = { request, done: 0, total: Math.max(1, total) };
    const fail = (text) => { upload = null; wrong = text ? escape(text) : L.t("away"); next(); };
    request.upload.onprogress = (event) => { if (upload) upload.done = event.loaded; L.draw(); };
    request.onload = () => {
      let told = {};
      try { told = JSON.parse(request.responseText); } catch (error) { /* it is told below */ }
      if (request.status === 200) brought(told); else fail(told.text);
    };
    request.onerror = () => fail("");
    request.open("POST", "api/trainings/pictures");
    request.send(body);
    L.draw();
  }
  const next = () => { if (later.length) sendFiles(later.splice(0)); else L.draw(); };
  function brought(told) {
    upload = null;
    const had = new Set(T.form.pictures.map((one) => one.picture)), fresh = told.pictures.filter((one) => !had.has(one.picture));
    const all = [...T.form.pictures, ...fresh];
    notes = [...notes, ...told.notes];
    if (fresh.length < told.pictures.length) notes = [...notes, both("had", { n: told.pictures.length - fresh.length })];
    if (all.length > MOST) notes = [...notes, both("too_many", { n: all.length - MOST, most: MOST })];
    T.set({ pictures: all.slice(0, MOST) });
    next();
  }
  const both = (key, params) => ["en", "zh"].map((name) => L.worded(`training.${key}`, params, name));
  T.remove = (picture) => { T.set({ pictures: T.form.pictures.filter((one) => one.picture !== picture) }); L.draw(); };
  T.caption = (picture, caption) => { T.form.pictures.find((one) => one.picture === picture).caption = caption; wrong = ""; keep(); };

  async function filesIn(entry) { // a folder that is dropped, with what is in it
    if (entry.isFile) return [await new Promise((done, fail) => entry.file(done, fail))];
    const reader = entry.createReader(), found = [];
    for (;;) { // it hands over a hundred at a time
      const some = await new Promise((done, fail) => reader.readEntries(done, fail));
      if (!some.length) return (await Promise.all(found.map(filesIn))).flat();
      found.push(...some);
    }
  }
  async function dropped(transfer) {
    const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean), plain = [...transfer.files];
    T.bring(entries.some((entry) => entry.isDirectory) ? (await Promise.all(entries.map(filesIn))).flat() : plain);
  }
  // Heard before the easel, which would take a picture to start from.
  document.addEventListener("drop", (event) => {
    if (event.defaultPrevented || !T.shown() || !event.dataTransfer?.files.length) return;
    event.preventDefault();
    dropped(event.dataTransfer);
  }, true);

  document.addEventListener("paste", (event) => {
    const files = event.clipboardData?.files;
    if (!files?.length || !T.shown() || T.watched || [...event.clipboardData.types].includes("text/plain")) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    T.bring([...files]);
  }, true);

  // -- the form ---------------------------------------------------------------------------------------------------------------
  T.html = () => {
    if (T.known && !T.watched && planFor !== model()) planSoon(); // the page's model was changed, and nobody chose another one
    return `<div class="tr"><header class="trhead"><button type="button" class="ib bare sm" data-lora="tr-leave">${icon("arrow-left")}<span class="tip">${t("back")}</span></button><h2 class="t16">${t("title")}</h2></header>${list()}${T.watched ? learnsFrom() : form()}<div class="trhere" data-own></div></div>`;
  };

  function list() {
    if (!T.all.length) return "";
    const fresh = T.watched ? `<button type="button" class="rfadd trfresh" data-lora="tr-watch" data-id="">${icon("plus", "sm")}${t("another")}</button>` : "";
    return `<section class="trlist" aria-label="${t("list")}"><ul>${T.all.slice(0, T.more ? T.all.length : 4).map(row).join("")}</ul>${T.all.length > 4 && !T.more ? `<button type="button" class="btn link" data-lora="tr-more">${t("older", { n: T.all.length - 4 })}</button>` : ""}${fresh}</section>`;
  }
  T.share = (one) => (one.state === "done" ? 1 : one.stage === "prepare" ? 0 : Math.min(1, (one.curve.at(-1)?.step || 0) / one.settings.steps));
  T.picture = (one) => (one.samples.length ? `api/trainings/${one.id}/samples/${one.samples.at(-1).number}?${one.samples.at(-1).step}` : `api/trainings/pictures/${one.pictures[0]}`);
  function row(one) {
    const share = T.share(one), bar = one.state === "done" ? "" : `<span class="lobar" aria-hidden="true"><u style="width:${100 * share}%"></u></span>`;
    return `<li data-id="${one.id}"><button type="button" class="trrow" data-lora="tr-watch" data-id="${one.id}"${T.watched === one.id ? ' aria-current="true"' : ""}><img src="${T.picture(one)}" alt="" loading="lazy"><span class="grow"><b class="ell">${escape(one.name)}</b><small class="ell">${T.stands(one)}</small>${bar}</span></button></li>`;
  }
  T.stands = (one) => { // where it is, in a word or two
    const step = one.curve.at(-1)?.step || 0, percent = Math.floor(100 * T.share(one));
    if (one.state === "running" && one.stage === "train") return t("short_learning", { n: percent });
    return t({ running: "short_begins", queued: "short_queued", cancelled: "short_paused", interrupted: "short_paused", failed: "short_failed", done: "short_done" }[one.state], { n: percent, step });
  };

  function learnsFrom() { // what the one that is looked at learns from
    const one = T.seen?.id === T.watched ? T.seen : null;
    if (!one) return "";
    const pictures = one.pictures.map((picture, at) => ({ picture, caption: one.captions[at], name: "" }));
    return `<div class="trlearns"><section><div class="lab">${t("pictures")}<span class="i3 num">${one.pictures.length}</span></div>${thumbs(pictures, 24)}</section><p class="t12 i2 trnote">${icon("info", "sm")}<span>${t("paint_meanwhile")}</span></p></div>`;
  }
  function form() {
    const { name, trigger, preset, pictures } = T.form;
    return `<form class="trform" novalidate><div class="trpair">${text("name", name, "name_hint", 100)}${text("trigger", trigger, "trigger_hint", 100)}</div>`
      + `<section><div class="lab" id="tr-pictures">${t("pictures")}<span class="i3 num">${pictures.length ? t("pictures_count", { n: pictures.length }) : t("pictures_none")}</span><span class="sp"></span>${pictures.length ? more() : ""}</div>${pictures.length ? thumbs(pictures) : drop()}${progress()}${told()}</section>`
      + `<section><div class="lab" id="tr-preset">${t("learns")}</div>${presets(preset)}<p class="t12 i2 trwhy">${t(`${preset}_why`)}</p></section>`
      + models() + details() + begin() + "</form>";
  }
  const text = (name, value, hint, most) => `<label class="trfield"><span class="lab0">${t(name)}</span><input name="${name}" data-value="${escape(value)}" maxlength="${most}" placeholder="${t(hint)}" autocomplete="off" spellcheck="false"></label>`;
  const chooser = (words) => `<label class="btn small file">${icon("plus", "sm")}<span>${words}</span><input type="file" class="sr" accept="image/*,.zip,.txt,.caption" multiple data-training-files></label>`;
  const more = () => `<button type="button" class="btn link" data-lora="tr-clear">${t("clear")}</button>${chooser(t("add"))}`;
  const drop = () => `<div class="rfbring trdrop">${icon("images")}<b class="t13">${t("drop")}</b>${chooser(t("choose"))}<p class="t12 i3">${t("drop_more")}</p></div>`;
  T.drop = drop;
  function thumbs(pictures, most = 12) {
    const shown = pictures.slice(0, pictures.length > most ? most - 1 : most), rest = pictures.length - shown.length;
    return `<ul class="trthumbs">${shown.map((one) => `<li><img src="api/trainings/pictures/${one.picture}" alt="${escape(one.caption || one.name)}" title="${escape(one.caption)}" loading="lazy"></li>`).join("")}${rest ? `<li class="trrest num">+${rest}</li>` : ""}</ul>`;
  }
  function progress() {
    if (!upload) return "";
    const share = Math.min(100, (100 * upload.done) / upload.total), words = share < 100 ? t("sending", { n: Math.floor(share) }) : t("reading");
    return `<div class="trup" role="status"><div class="lobar"><u style="width:${share}%"></u></div><small class="i2 num">${words}</small></div>`;
  }
  const told = () => notes.map((note) => `<p class="told">${icon("info", "sm")}<span>${pick(note)}</span></p>`).join("");
  function presets(chosen) {
    const one = (name) => `<button type="button" role="radio" aria-checked="${name === chosen}" tabindex="${name === chosen ? 0 : -1}" data-lora="tr-preset" data-id="${name}">${t(name)}</button>`;
    return `<div class="rfseg" role="radiogroup" aria-labelledby="tr-preset">${PRESETS.map(one).join("")}</div>`;
  }
  function models() {
    const options = T.models.map((one) => `<option value="${escape(one.id)}"${one.why ? " disabled" : ""}>${pick(one.title)}${one.why ? ` · ${t("unfit")}` : one.place === "hub" ? ` · ${t("fetched_first")}` : ""}</option>`).join("");
    const why = T.models.filter((one) => one.why), list = why.length ? `<details class="trunfit t12 i2"><summary>${t("unfit_why", { n: why.length })}</summary><ul>${why.map((one) => `<li><b>${pick(one.title)}</b> ${pick(one.why)}</li>`).join("")}</ul></details>` : "";
    return `<section><label class="rfpick trfield"><span class="lab0">${t("model")}</span><select name="model" data-value="${escape(model())}">${options}</select></label>${list}</section>`;
  }

  function details() {
    const { settings } = T.plan || {}, set = settings ? t("details_sum", { steps: settings.steps, rank: settings.rank, rate: T.small(settings.learning_rate) }) : "";
    const prompts = `<label class="trfield"><span class="lab0">${t("prompts")}</span><textarea name="prompts" rows="2" data-value="${escape(T.form.prompts)}" placeholder="${t("prompts_hint")}"></textarea></label>`;
    const encoder = `<label class="rfcheck"><input type="checkbox" name="text_encoder" ${T.form.text_encoder ? "checked" : ""}><span>${t("text_encoder")}</span></label>`;
    return `<details class="rfmore trdetails"><summary>${icon("sliders-horizontal")}<b>${t("details")}</b><span class="sp"></span><span class="i3 num">${set}</span>${icon("chevron-right")}</summary><div class="rfin"><div class="trgrid">${NUMBERS.map(number).join("")}</div>${encoder}${prompts}<div class="trgrid">${number("sample_every")}</div><p class="t12 i3">${t("details_hint")}</p></div></details>`;
  }
  function number(name) {
    const usual = name === "sample_every" ? T.plan?.sample_every : T.plan?.settings[name], [least, most] = T.plan?.ends[name] || [0, 20000];
    const step = name === "learning_rate" ? "any" : "1";
    return `<label class="trfield"><span class="lab0">${t(name)}</span><input type="number" name="${name}" min="${least}" max="${most}" step="${step}" inputmode="decimal" data-value="${T.form[name] ?? ""}" placeholder="${usual === undefined ? "" : T.small(usual)}" class="num"></label>`;
  }

  function begin() {
    const seconds = T.plan?.seconds, about = seconds ? `<span class="num">${T.lasting(seconds)}</span>` : "", trouble = wrong || escape(refused);
    return `<div class="trbegin"><p class="t12 i2 trnote">${icon("info", "sm")}<span>${t("paint_meanwhile")}</span></p><div class="trerr">${trouble ? `<p class="err" role="alert">${icon("triangle-alert", "sm")}<span>${trouble}</span></p>` : ""}</div><button class="btn pri tall trgo"${beginning || upload ? " disabled" : ""}><span>${t(beginning ? "beginning" : "begin")}</span>${about}</button></div>`;
  }
  async function beginNow() {
    if (beginning || upload) return;
    beginning = true;
    wrong = "";
    L.draw();
    try {
      const { id } = await post("", draft());
      T.stopWriting();
      T.form = { ...EMPTY, model: T.form.model, preset: T.form.preset, captioner: T.form.captioner };
      keep();
      notes = [];
      T.plan = null;
      T.show(id);
      await T.look();
      $(`.trrow[data-id="${id}"]`, L.place)?.focus(); // what was pressed is gone
    } catch (error) { wrong = escape(error.message); }
    beginning = false;
    L.draw();
    $(".trbegin .err", L.place)?.scrollIntoView({ block: "nearest" });
  }

  // -- hands --------------------------------------------------------------------------------------------------------------------
  Object.assign(L.acts, {
    train: () => T.show(T.all.find(active)?.id || ""),
    "tr-leave": leave,
    "tr-watch": (use, { id }) => T.show(id),
    "tr-more": () => { T.more = true; L.draw(); },
    "tr-clear": () => { notes = []; T.stopWriting(); T.set({ pictures: [] }); L.draw(); },
    "tr-preset": (use, { id }) => { T.set({ preset: id }); L.draw(); $(`.tr [role=radio][data-id=${id}]`, L.place)?.focus(); },
  });
  const bounded = (input) => { // a number beyond its ends is the end
    if (input.value === "") return null;
    const value = Math.min(Number(input.max), Math.max(Number(input.min), Number(input.value)));
    return input.step === "1" ? Math.round(value) : value;
  };
  function heard(event) {
    const { target } = event;
    if (target.matches("[data-training-files]")) { T.bring([...target.files]); target.value = ""; return; }
    if (!target.closest(".trform") || !target.name) return;
    if (target.type === "checkbox") T.set({ [target.name]: target.checked });
    else if (target.type === "number") T.set({ [target.name]: bounded(target) });
    else T.set({ [target.name]: target.value });
    L.draw();
  }
  function typed(event) {
    const { target } = event;
    if (target.closest(".trform") && /^(text|textarea)$/.test(target.type)) T.set({ [target.name]: target.value });
  }
  function keys(event) {
    const by = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
    if (!by || !event.target.matches(".tr [role=radio]")) return;
    event.preventDefault();
    event.stopPropagation();
    L.acts["tr-preset"](null, { id: PRESETS[(PRESETS.indexOf(T.form.preset) + by + PRESETS.length) % PRESETS.length] });
  }
  T.take = (place) => {
    place.addEventListener("change", heard);
    place.addEventListener("input", typed);
    place.addEventListener("keydown", keys);
    place.addEventListener("submit", (event) => { if (event.target.matches(".trform")) { event.preventDefault(); beginNow(); } });
  };

  // On the shelf: the way here, and what is learned just now.
  T.card = () => {
    const one = T.all.find(active), words = one ? `<b class="ell">${escape(one.name)}</b><small>${T.stands(one)}</small>` : `<b>${t("title")}</b><small>${t("title_more")}</small>`;
    return `<article class="lc lcadd lctrain" data-id="train"><button type="button" class="lctake" data-lora="train"><span class="loplus">${icon("wand-sparkles")}</span>${words}</button></article>`;
  };

  // A picture that is asked for with the keys is seen, too.
  new MutationObserver(() => {
    if (document.body.dataset.busy === "starting" && T.shown()) $("#ltabs > .tab-wrapper [role=tab]")?.click();
  }).observe(document.body || document.documentElement, { subtree: !document.body, attributeFilter: ["data-busy"] });
  document.addEventListener("visibilitychange", () => { if (!document.hidden && T.known) T.look(); });
  return T;
})(window.studio.lora);
