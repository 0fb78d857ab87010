// What lies over the stage while a LoRA is trained: the pictures with their captions, and then how it learns.
((L, T) => {
  const { $, $$, icon, escape, pick } = L, { t } = T;
  const narrow = matchMedia("(max-width: 899px)");
  let panel = null;

  // -- where it is: over the stage, on a telephone below the form --------------------------------------------------------
  T.draw = () => {
    const shown = T.shown();
    if (shown) document.body.dataset.training = T.watched ? "watch" : "form";
    else delete document.body.dataset.training;
    if (!shown) return;
    if (!panel) make();
    const home = narrow.matches ? $(".trhere", L.place) : $("#training .host");
    if (home && panel.parentNode !== home) home.replaceChildren(panel);
    const made = document.createElement("template");
    made.innerHTML = T.watched ? watch() : table();
    const strip = $(".trstrip", panel), had = strip?.children.length, focused = panel.contains(document.activeElement);
    window.studio.lay(panel, made.content);
    if (focused && !panel.contains(document.activeElement)) $(".tracts button", panel)?.focus(); // what was pressed is another one now
    if (strip && strip.children.length !== had) strip.scrollTop = strip.scrollHeight; // the newest is seen
    for (const button of $$("[data-pressed]", panel)) button.setAttribute("aria-pressed", button.dataset.pressed);
    for (const field of $$("[data-value]", panel)) if (field !== document.activeElement && field.value !== field.dataset.value) field.value = field.dataset.value;
  };
  function make() {
    panel = document.createElement("div");
    panel.className = "trpanel";
    panel.addEventListener("click", (event) => {
      const button = event.target.closest("[data-watch]");
      if (button && !button.disabled) ACTS[button.dataset.watch](button.dataset);
    });
    panel.addEventListener("input", (event) => { if (event.target.matches("[data-caption]")) T.caption(event.target.dataset.caption, event.target.value); });
    panel.addEventListener("change", (event) => {
      if (event.target.matches("[data-training-files]")) { T.bring([...event.target.files]); event.target.value = ""; }
      if (event.target.matches("[data-caption]")) { T.set({}); L.draw(); }
      if (event.target.matches("[data-captioner]")) T.chooseWriter(event.target);
    });
  }
  narrow.addEventListener("change", () => L.draw());

  // -- pictures and captions -------------------------------------------------------------------------------------------------
  function table() {
    const { pictures, trigger } = T.form;
    if (!pictures.length) return narrow.matches ? "" : `<section class="card trcard trempty"><div class="disc">${icon("images")}</div><h3 class="t16">${t("empty")}</h3><p class="t13 i2">${t("empty_more")}</p><ol class="trsteps">${[1, 2, 3].map((n) => `<li><b class="num">${n}</b><span>${t(`how_${n}`)}</span></li>`).join("")}</ol></section>`;
    const hint = trigger.trim() ? t("caption_trigger", { trigger: escape(trigger.trim()) }) : t("caption_hint");
    return `<section class="card trcard trtable" aria-label="${t("captions")}"><header class="trhead2"><b>${t("captions")}</b><span class="t12 i2">${hint}</span></header>${T.writer()}<ul>${pictures.map(row).join("")}</ul></section>`;
  }
  function row(one, at) {
    const place = T.plan?.places.length === T.form.pictures.length ? T.plan.places[at] : null, words = escape(one.name || one.picture.slice(0, 8));
    return `<li data-id="${one.picture}"><figure class="trpic" style="--w:${one.size.width};--h:${one.size.height}"><img src="api/trainings/pictures/${one.picture}" alt="" loading="lazy">${place && place.cut > 0.005 ? frame(one.size, place.size) : ""}</figure>`
      + `<div class="grow"><div class="trname"><b class="ell t12">${words}</b><span class="t12 i3 num">${place ? cutWords(place) : ""}</span></div><textarea rows="2" maxlength="2000" data-caption="${one.picture}" data-value="${escape(one.caption)}" aria-label="${t("caption_of", { name: words })}" placeholder="${t("caption_none")}"></textarea></div>`
      + `<button type="button" class="ib bare sm" data-watch="remove" data-id="${one.picture}">${icon("x")}<span class="tip">${t("take_out")}</span></button></li>`;
  }
  const cutWords = ({ size, cut }) => t(cut > 0.005 ? "shape_cut" : "shape", { size: `${size.width} × ${size.height}`, n: Math.max(1, Math.round(100 * cut)) });
  function frame(own, size) { // what is seen of a picture; the rest lies in shadow
    const scale = Math.max(size.width / own.width, size.height / own.height);
    const [x, y] = [size.width / (own.width * scale), size.height / (own.height * scale)].map((share) => 50 * (1 - Math.min(1, share)));
    return `<i class="trcrop" style="inset:${y}% ${x}%"></i>`;
  }

  // -- one that learns -----------------------------------------------------------------------------------------------------------
  function watch() {
    const one = T.seen?.id === T.watched ? T.seen : null;
    if (!one) return `<section class="card trcard trwait"><p class="t13 i2">${t("looking")}</p></section>`;
    return head(one) + samples(one) + curve(one) + facts(one);
  }
  const button = (act, sign, key, more = "btn") => `<button type="button" class="${more}" data-slot="${act}" data-watch="${act}"${T.changing ? " disabled" : ""}>${sign ? icon(sign, sign === "pause" || sign === "play" ? `own-${sign}` : "") : ""}<span>${t(key)}</span></button>`;
  const learned = (one) => one.curve.length > 0;
  const share = (one) => T.share(one);

  function head(one) {
    const title = one.state === "done" ? "done_title" : T.active(one) ? "learning_title" : "paused_title", percent = Math.round(100 * share(one));
    const bar = one.state === "done" ? "" : `<div class="lobar trbar" role="progressbar" aria-valuemin="0" aria-valuemax="100" aria-valuenow="${percent}" aria-label="${t("progress")}"><u style="width:${100 * share(one)}%"></u></div>`;
    const trouble = one.why && !T.active(one) && one.state === "failed" ? `<p class="err" role="alert">${icon("triangle-alert", "sm")}<span>${pick(one.why)}</span></p>` : "";
    const notices = one.notices.map((pair) => `<p class="told">${icon("info", "sm")}<span>${pick(pair)}</span></p>`).join("");
    const refused = T.trouble ? `<p class="err" role="alert">${icon("triangle-alert", "sm")}<span>${escape(T.trouble)}</span></p>` : "";
    return `<section class="card trcard trtop"><div class="trline"><div class="grow"><h3 class="t20" role="status">${t(title, { name: escape(one.name) })}</h3><p class="t13 i2 num">${status(one)}</p></div><div class="tracts">${T.asking ? sure() : acts(one)}</div></div>${bar}${trouble}${notices}${refused}</section>`;
  }
  function acts(one) {
    const discard = button("ask", "trash-2", one.state === "done" ? "forget" : "discard", "btn quiet");
    if (one.state === "done") return button("use", "plus", "use", "btn pri") + button("shelf", "", "shelf") + discard;
    const keep = learned(one) ? button("keep", "check", "keep") : "";
    return (T.active(one) ? button("pause", "pause", "pause") : button("resume", "play", "resume", "btn pri")) + (one.early && T.active(one) ? "" : keep) + discard;
  }
  const sure = () => `<span class="t13">${t(T.one()?.state === "done" ? "forget_ask" : "discard_ask")}</span>${button("discard", "trash-2", "discard_yes")}${button("calm", "", "discard_no", "btn quiet")}`;

  function status(one) {
    if (T.changing?.id === one.id && T.active(one)) return t(T.changing.change === "keep" ? "keeping_status" : "stopping_status");
    const step = one.curve.at(-1)?.step || 0, steps = one.settings.steps;
    if (one.state === "done") return t("done_status", { step, time: T.lasting(one.took) });
    if (one.state === "interrupted") return t("interrupted_status", { step, steps });
    if (one.state === "cancelled" || one.state === "failed") return t("paused_status", { step, steps });
    if (one.fetching) return t("fetching_status", { done: L.bytes(one.fetching.done), total: L.bytes(one.fetching.total) });
    if (one.state === "queued") return t("queued_status");
    if (one.early) return t("keeping_status");
    if (one.stage === "prepare") return t("prepare_status", { n: one.step, of: one.steps });
    if (one.stage !== "train") return t("load_status");
    return t("step_status", { step, steps }) + (one.seconds_left ? ` · ${t("left", { time: T.lasting(one.seconds_left) })}` : "");
  }

  // -- what it paints ----------------------------------------------------------------------------------------------------------------
  const src = (one, sample) => `api/trainings/${one.id}/samples/${sample.number}?${sample.step}`;
  function samples(one) {
    const prompts = [...new Set(one.samples_of)], prompt = prompts.includes(T.prompt) ? T.prompt : prompts[0];
    const own = one.samples.filter((sample) => sample.prompt === prompt), newest = own.at(-1)?.number;
    const step = one.curve.at(-1)?.step || 0, next = Math.min(one.settings.steps, (Math.floor(step / one.sample_every) + 1) * one.sample_every);
    const coming = T.active(one) && !one.early && next > (own.at(-1)?.step ?? -1) ? `<li><span class="trnext">${icon("clock")}</span><small class="num">${next}</small></li>` : "";
    const tabs = prompts.length > 1 ? `<div class="rfseg trprompts" role="group" aria-label="${t("prompts")}">${prompts.map((text, at) => `<button type="button" data-watch="prompt" data-at="${at}" data-pressed="${text === prompt}" title="${escape(text)}">${escape(text)}</button>`).join("")}</div>` : "";
    const big = own.find((sample) => sample.number === T.zoomed);
    const zoom = big ? `<figure class="trbig"><img src="${src(one, big)}" alt="${t("sample_of", { step: big.step })}"><figcaption class="t12 i2">${escape(big.prompt)}</figcaption></figure>` : "";
    const strip = own.map((sample) => `<li data-id="${sample.number}"><button type="button" class="trsample${sample.number === newest ? " newest" : ""}" data-watch="zoom" data-id="${sample.number}" data-pressed="${sample.number === T.zoomed}"><img src="${src(one, sample)}" alt="${t("sample_of", { step: sample.step })}"></button><small class="num">${sample.step}</small></li>`).join("");
    const none = own.length || coming ? "" : `<p class="t13 i2">${t("no_samples")}</p>`;
    return `<section class="card trcard"><header class="trhead2"><b>${t("paints")}</b><span class="t12 i2 ell">${t("same_seed")}</span></header>${tabs}${none}<ul class="trstrip">${strip}${coming}</ul>${zoom}</section>`;
  }

  // -- the curve -------------------------------------------------------------------------------------------------------------------------
  const LEFT = 40, RIGHT = 52, TOP = 12, BOTTOM = 26;
  const nice = (most) => { // the next of 1, 2 and 5 times a power of ten, by a third
    const rough = most / 3 || 0.1, power = 10 ** Math.floor(Math.log10(rough));
    return power * [1, 2, 5, 10].find((one) => one * power >= rough);
  };
  const short = (value) => String(Number(value.toPrecision(2)));
  function curve(one) {
    const points = one.curve, last = points.at(-1);
    const words = `<header class="trhead2"><b>${t("loss")}</b><span class="t12 i2 ell">${t("loss_hint")}</span></header>`;
    if (!last) return `<section class="card trcard">${words}<p class="t13 i2 trnone">${t("no_loss")}</p></section>`;
    const [W, H] = narrow.matches ? [340, 210] : [720, 264];
    const ordered = points.map((point) => point.own).sort((a, b) => a - b);
    // One step that went astray must not flatten all others.
    const top = Math.max(...points.map((point) => point.loss), ordered[Math.floor(0.97 * (ordered.length - 1))]), by = nice(top), most = Math.ceil(top / by) * by;
    const x = (step) => LEFT + ((W - LEFT - RIGHT) * step) / one.settings.steps, y = (loss) => TOP + (H - TOP - BOTTOM) * (1 - Math.min(1, loss / most));
    const line = (key) => points.map((point) => `${x(point.step).toFixed(1)},${y(point[key]).toFixed(1)}`).join(" ");
    const rows = Array.from({ length: Math.round(most / by) + 1 }, (none, at) => at * by).map((value) => `<line x1="${LEFT}" x2="${W - RIGHT}" y1="${y(value)}" y2="${y(value)}"/><text x="${LEFT - 8}" y="${y(value) + 4}" text-anchor="end">${short(value)}</text>`).join("");
    const ticks = (narrow.matches ? [0, 0.5, 1] : [0, 0.25, 0.5, 0.75, 1]).map((part) => Math.round(part * one.settings.steps)).map((step) => `<text x="${x(step)}" y="${H - 6}" text-anchor="middle">${step}</text>`).join("");
    const drawing = `<svg class="trcurve num" viewBox="0 0 ${W} ${H}" role="img" aria-label="${t("loss_said", { loss: short(last.loss), step: last.step })}">${rows}${ticks}<polyline class="own" points="${line("own")}"/><polyline class="mean" points="${line("loss")}"/><circle cx="${x(last.step)}" cy="${y(last.loss)}" r="4"/><text class="now" x="${x(last.step) + 9}" y="${y(last.loss) + 4}">${short(last.loss)}</text></svg>`;
    return `<section class="card trcard">${words}${drawing}</section>`;
  }

  function facts(one) {
    const { settings } = one, step = one.curve.at(-1)?.step || 0;
    const speed = one.state === "running" && one.seconds_left ? (settings.steps - step) / one.seconds_left : 0;
    const told = [["trained_on", T.titleOf(one.model)], ["trigger", escape(one.trigger)], ["preset", t(one.preset)], ["pictures", one.pictures.length], ["rank", settings.rank], ["learning_rate", T.small(settings.learning_rate)], ["resolution", settings.resolution], ["speed", speed ? t("per_second", { n: speed >= 10 ? Math.round(speed) : speed.toPrecision(2) }) : ""]];
    return `<section class="card trcard trfacts"><div class="kv num">${told.filter(([, value]) => value !== "").map(([key, value]) => `<span>${t(key)} <b>${value}</b></span>`).join("")}</div></section>`;
  }

  // -- one that is ready -----------------------------------------------------------------------------------------------------------------
  const stem = (one) => one.lora.replace(/\.safetensors$/, "");
  const cardOf = (one) => L.cards.find((card) => card.name === stem(one)) || L.named(stem(one));
  const moment = (ms) => new Promise((next) => setTimeout(next, ms));
  async function found(one) { // the shelf looks into its folders now and then
    for (let turn = 0; turn < 20; turn++) {
      await L.look();
      if (L.known === one.model && cardOf(one)) return cardOf(one);
      await moment(500);
    }
    return null;
  }
  async function use() {
    const one = T.one();
    if (L.told().model !== one.model) $(`#tools [role^=menuitem][data-model="${CSS.escape(one.model)}"]`)?.click();
    const card = await found(one);
    if (!card) { T.trouble = t("gone"); return L.draw(); }
    if (!L.use(card.id)) L.toggle(card);
    if (one.trigger && !L.holds(one.trigger, "prompt")) L.put(one.trigger);
    T.open = false;
    L.draw();
    L.toast(t("chosen", { name: escape(one.name) }));
  }
  async function shelf() {
    const card = await found(T.one());
    T.open = false;
    L.draw();
    if (card) L.present(card.id);
  }

  const change = (name) => () => T.change(T.watched, name);
  const ACTS = {
    remove: ({ id }) => T.remove(id),
    write: () => T.write(),
    stop_writing: () => T.stopWriting(),
    pause: change("pause"),
    resume: change("resume"),
    keep: change("keep"),
    ask: () => { T.asking = true; L.draw(); $("[data-watch=calm]", panel)?.focus(); },
    calm: () => { T.asking = false; L.draw(); $("[data-watch=ask]", panel)?.focus(); },
    discard: () => { T.asking = false; T.change(T.watched, "discard"); },
    zoom: ({ id }) => { T.zoomed = T.zoomed === Number(id) ? 0 : Number(id); L.draw(); },
    prompt: ({ at }) => { T.prompt = [...new Set(T.seen.samples_of)][at]; T.zoomed = 0; L.draw(); },
    use,
    shelf,
  };
})(window.studio.lora, window.studio.training);
