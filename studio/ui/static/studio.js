// The page's own behaviour: patching live parts, language, theme, keys, the unsent form, a lost connection.
window.studio = (() => {
  const root = document.documentElement;
  const store = (key, value) => {
    try {
      if (value === undefined) return JSON.parse(localStorage.getItem("studio." + key));
      localStorage.setItem("studio." + key, JSON.stringify(value));
    } catch (error) { return null; } // private windows may refuse
    return value;
  };
  const $ = (query, from = document) => from.querySelector(query);
  const $$ = (query, from = document) => [...from.querySelectorAll(query)];
  const parts = {};
  function inOrder() { // asks one after another: requests that are under way together may arrive in any order
    let last = Promise.resolve(), waiting = 0;
    const ask = (asking) => {
      waiting += 1;
      return (last = last.catch(() => {}).then(asking).finally(() => { waiting -= 1; }));
    };
    return Object.assign(ask, { busy: () => waiting > 0 });
  }

  // -- live parts: new HTML is laid over the old, so that focus, scroll and loaded pictures stay --------------
  const KEPT = new Set(["hidden", "aria-expanded", "aria-pressed", "open"]);

  function morph(from, to) {
    const old = [...from.childNodes], fresh = [...to.childNodes];
    fresh.forEach((node, index) => {
      const was = old[index];
      if (!was) from.appendChild(node);
      else if (!alike(was, node)) from.replaceChild(node, was);
      else if (node.nodeType === 1) patch(was, node);
      else if (was.data !== node.data) was.data = node.data;
    });
    old.slice(fresh.length).forEach((node) => node.remove());
  }

  function alike(a, b) {
    if (a.nodeType !== b.nodeType || a.nodeName !== b.nodeName) return false;
    if (a.nodeType !== 1) return true;
    return a.dataset?.slot === b.dataset?.slot && a.dataset?.id === b.dataset?.id && a.nodeName !== "TEMPLATE";
  }

  function patch(was, node) {
    for (const { name, value } of [...node.attributes])
      if (!KEPT.has(name) && was.getAttribute(name) !== value) was.setAttribute(name, value);
    for (const { name } of [...was.attributes])
      if (!KEPT.has(name) && !node.hasAttribute(name)) was.removeAttribute(name);
    if (!was.hasAttribute("data-own")) morph(was, node);
  }

  function live(element, props, watch, trigger, names) {
    const place = $(".live", element) || element;
    const part = { element, place, trigger };
    const paint = () => {
      const fresh = document.createElement("template");
      fresh.innerHTML = props.value || "";
      morph(place, fresh.content);
      settle(element);
    };
    parts[element.id || element.closest("[id]")?.id || names[0]] = part;
    place.addEventListener("click", (event) => {
      const button = event.target.closest("[data-do]");
      if (button && place.contains(button) && !button.disabled) tell(trigger, button);
    });
    watch("value", paint);
    paint();
    if (names.includes("paint") && names.includes("cancel")) setTimeout(() => follow(), 0);
    if (names.includes("read")) setTimeout(() => reload(), 0);
    if (names.includes("bring")) setTimeout(look, 0);
  }

  function tell(trigger, button) {
    const { do: name, ...data } = { ...button.dataset };
    if (name === "paint") return ask(data);
    if (name === "cancel") working("stopping");
    if (name === "send") { sending = data.way; busyCard(true); }
    if (name === "skip") data.job = stage()?.dataset.job;
    if (name === "reuse") data.seed = $("#stage .plate.on[data-picture]")?.dataset.seed ?? $("#stage .plate[data-picture]")?.dataset.seed;
    if (["look", "bring", "halt", "drop"].includes(name) && data.model) picked = data.model;
    trigger(name, data);
    if (["bring", "halt", "drop", "free"].includes(name)) setTimeout(look, 500);
    if (name === "look" && data.model) setTimeout(() => $("#models .outlook")?.scrollIntoView({ block: "nearest" }), 400);
  }

  const part = (id) => parts[id] || Object.values(parts).find((p) => p.element.closest("#" + id));
  const stage = () => $("#stage .stage");

  // -- work ---------------------------------------------------------------------------------------------------
  const dismissed = () => store("dismissed") || [];

  function ask(data) {
    if (!data.follow) { working("starting"); choice = null; if (narrow()) go("picture"); }
    part("stage")?.trigger("paint", { ...data, dismissed: dismissed() });
  }
  const follow = () => ask({ follow: "yes" });

  function generate() { part("foot")?.trigger("generate", { dismissed: dismissed() }); }

  async function press() {
    // The press shows at once, whatever the network takes.
    working("starting");
    choice = null;
    try { await easelDone(); await window.studio.reference.settled(); } catch (error) { settle_busy(); return failed(error.message); }
    if (narrow()) go("picture");
    generate();
  }

  function stop() {
    const job = stage()?.dataset.job;
    if (!job || document.body.dataset.busy !== "yes") return;
    working("stopping");
    part("stage")?.trigger("cancel", { job });
  }

  let slow;
  function working(what) {
    document.body.dataset.busy = what;
    clearTimeout(slow);
    slow = setTimeout(settle_busy, 8000); // no answer: show what is so
  }

  function settle_busy() {
    const was = document.body.dataset.busy, is = stage()?.dataset.busy || "no";
    Object.assign(document.body.dataset, { busy: is, several: stage()?.dataset.several || "no", phase: stage()?.dataset.phase || "" });
    if (was !== "no" && is === "no") touch(); // what was measured just now makes a better estimate
  }
  const touch = () => { if (restored) part("foot")?.trigger("touch", {}); };

  let choice = null; // a sibling the person picked, until the next job
  let heard = Date.now();
  function settle(element) {
    if (element.closest("#stage")) {
      heard = Date.now();
      const now = stage();
      const was = document.body.dataset.busy;
      const still = now && now.dataset.busy === "yes" && was === "stopping" && choice_job === now.dataset.job;
      if (now && now.dataset.job !== choice_job) { choice = null; choice_job = now.dataset.job; }
      if (!still) { clearTimeout(slow); settle_busy(); }
      show(choice);
    }
    if (element.closest("#toast")) toastHtml($(".live", element).innerHTML);
    // A refusal leaves the stage as it was, so the buttons must be put right here.
    if (element.closest("#toast, #trouble") && document.body.dataset.busy === "starting" && $(".live", element).textContent) settle_busy();
    if (element.closest("#gallery")) { turnedTo(); drawerAgain(); wasRead($("#gallery .pages")?.dataset.read); }
    if (element.closest("#start")) { busyCard(false); easelFollows(); }
    marks();
    groups();
  }
  let choice_job = null;

  function show(slot) {
    const now = stage();
    if (slot === null || !now) return;
    const plate = $(`.plate[data-slot="${slot}"]`, now);
    if (!plate) return;
    $$(".plate", now).forEach((other) => other.classList.toggle("on", other === plate));
    $$(".sb", now).forEach((thumb) => thumb.classList.toggle("on", thumb.dataset.show === slot && slot !== "m"));
  }

  // -- pages --------------------------------------------------------------------------------------------------
  const narrow = () => matchMedia("(max-width: 899px)").matches;
  const PAGES = { create: 0, picture: 0, gallery: 1, models: 2 };

  function go(page) {
    const tabs = $$("#nav > .tab-wrapper [role=tab]");
    const tab = tabs[PAGES[page]];
    if (tab && tab.getAttribute("aria-selected") !== "true") tab.click();
    entered(page);
    if (page !== "gallery") scrollTo(0, 0);
  }

  function entered(page) { // what happened meanwhile is shown
    document.body.dataset.page = page;
    if (page === "gallery") reload();
    if (page === "models") look();
    marks();
  }

  function seen() {
    const tabs = $$("#nav > .tab-wrapper [role=tab]");
    const at = tabs.findIndex((tab) => tab.getAttribute("aria-selected") === "true");
    const page = document.body.dataset.page;
    if (at === 1 && page !== "gallery") entered("gallery");
    if (at === 2 && page !== "models") entered("models");
    if (at === 0 && (page === "gallery" || page === "models" || !page)) entered("create");
  }

  function marks() {
    const page = document.body.dataset.page || "create";
    $$(".mnav [data-page]").forEach((b) => b.setAttribute("aria-current", b.dataset.page === page ? "page" : "false"));
    $$("[data-language]").forEach((b) => b.setAttribute("aria-pressed", b.dataset.language === root.dataset.lang));
  }

  // -- language and theme -------------------------------------------------------------------------------------
  // Inside a frame of another site a cookie only travels when it is marked for that.
  const SITE = location.protocol === "https:" ? "samesite=none;secure" : "samesite=lax";
  const TITLES = ["page.create", "page.gallery", "page.models"];
  const LOCALES = { en: "en", zh: "zh-CN" };

  async function language(name) {
    root.dataset.lang = name;
    root.lang = LOCALES[name];
    store("language", name);
    document.cookie = `studio_language=${name};path=/;max-age=31536000;${SITE}`;
    document.title = name === "zh" ? "咒语书 · Spellbook Studio" : "Spellbook Studio · 咒语书";
    marks();
    try { await gradioSpeaks(LOCALES[name]); }
    catch (error) { location.reload(); } // the form is kept, so nothing typed is lost
  }

  async function gradioSpeaks(locale) {
    const core = performance.getEntriesByType("resource").map((r) => r.name).find((n) => /\/assets\/core-[^/]*\.js/.test(n));
    const module = await import(core);
    await module.changeLocale(locale);
    // Gradio leaves the titles of pages that were not opened yet as they are.
    $$("#nav > .tab-wrapper [role=tab]").forEach((tab, index) => {
      const words = window.studio_words[TITLES[index]];
      const text = [...tab.childNodes].find((node) => node.nodeType === 3 && node.data.trim());
      if (words && text) text.data = words[root.dataset.lang];
    });
  }

  function theme(name) {
    root.dataset.theme = name;
    document.body.classList.toggle("dark", name === "dark");
    store("theme", name);
  }

  // -- short notes --------------------------------------------------------------------------------------------
  function said(key) {
    const words = (window.studio_words || {})[key] || { en: "", zh: "" };
    return `<span class="w" lang="en">${words.en}</span><span class="w" lang="zh-CN">${words.zh}</span>`;
  }
  function toast(key) { if (window.studio_words?.[key]) toastHtml(said(key)); }
  function toastHtml(inner) {
    const shelf = $(".toasts");
    if (!shelf || !inner.trim()) return;
    const note = document.createElement("div");
    note.className = "toast";
    note.innerHTML = inner;
    shelf.replaceChildren(note);
    setTimeout(() => note.remove(), 3500);
  }

  async function copy(text, key) {
    try { await navigator.clipboard.writeText(text); }
    catch (error) { copyByHand(text); } // plain http has no clipboard
    toast(key);
  }
  function copyByHand(text) {
    const box = Object.assign(document.createElement("textarea"), { value: text });
    document.body.append(box);
    box.select();
    document.execCommand("copy");
    box.remove();
  }

  // -- the unsent form ----------------------------------------------------------------------------------------
  let restored = false;
  let pause;
  function keep(values) {
    if (!restored) return;
    store("form", values);
    $("#trouble .live")?.replaceChildren(); // what was wrong was about the form as it stood
    document.dispatchEvent(new CustomEvent("studio:form", { detail: { negative: values[2] } }));
    clearTimeout(pause);
    pause = setTimeout(touch, 150);
  }
  // A letter typed just before the page goes has not come round through Gradio yet.
  addEventListener("pagehide", () => {
    const values = kept();
    if (!restored || !values) return;
    for (const [at, name] of [[1, "prompt"], [2, "negative"]]) values[at] = $(`#${name} textarea`)?.value ?? values[at];
    store("form", values);
  });
  function kept() { return store("form"); }
  function ready() {
    // Gradio leaves these two groups without a name.
    for (const name of ["size", "count"]) $(`fieldset#${name}, #${name} fieldset`)?.setAttribute("aria-labelledby", `${name}_name`);
    groups();
    restored = true;
    document.body.dataset.ready = "yes";
    touch();
    look();
  }

  // -- a picture to start from --------------------------------------------------------------------------------
  const busyCard = (is) => { document.body.dataset.bringing = is ? "yes" : "no"; };

  async function bringFile(field) {
    const file = field.files[0];
    field.value = ""; // the same file may be chosen again
    if (!file) return;
    const mine = window.studio.turn();
    busyCard(true);
    try { const told = await window.studio.bring(file); if (mine()) brought(told); } catch (error) { if (mine()) failed(error.message); }
  }
  function brought(picture) {
    easelAway();
    if (document.body.dataset.page !== "create") go("create");
    part("start_sum")?.trigger("brought", picture);
  }
  function failed(text) {
    busyCard(false);
    const words = document.createElement("span");
    words.textContent = text;
    toastHtml(words.outerHTML);
  }
  document.addEventListener("change", (event) => { if (event.target.matches?.("[data-bring]")) bringFile(event.target); });
  document.addEventListener("studio:bringing", () => busyCard(true));
  document.addEventListener("studio:brought", (event) => brought(event.detail));
  document.addEventListener("studio:bring-failed", (event) => failed(event.detail.text));

  async function sent() { // a picture of one's own is in the form now
    const way = sending;
    sending = "";
    busyCard(false);
    if (document.body.dataset.page !== "create") go("create");
    if (way === "reference") return window.studio.reference.open();
    // A fold that was closed has its inside a moment after it opens.
    for (let turn = 0; way === "inpaint" && !$("#start .have[data-way=inpaint]") && turn < 100; turn++) await moment();
    $(way === "variations" ? "#details_fold" : "#start_fold")?.scrollIntoView({ block: "nearest" });
    if (way === "inpaint") easel("inpaint");
  }
  const moment = () => new Promise((next) => setTimeout(next, 20));

  // -- the easel: it lies over the stage while a mask is painted or a frame is set ----------------------------
  let drawn = { mask: "", sides: null, at: 0 }; // what the easel told last
  function easel(way) {
    const have = $("#start .have"), host = $("#easel .host");
    if (!have || !host) return;
    if (narrow()) go("picture");
    document.body.dataset.easel = way;
    const { picture, size, mask, sides, multiple } = have.dataset;
    window.studio.easel.open(host, {
      way, picture, mask, size: size.split("x").map(Number), sides: JSON.parse(sides), multiple: Number(multiple),
    }).catch((error) => { easelAway(); failed(error.message); });
  }
  const easelAway = () => { if (document.body.dataset.easel) window.studio.easel.close(); };
  document.addEventListener("easel:close", () => {
    delete document.body.dataset.easel;
    if (narrow() && document.body.dataset.page === "picture" && document.body.dataset.busy === "no") go("create");
  });
  document.addEventListener("easel:failed", (event) => failed(event.detail.text));
  document.addEventListener("easel:change", (event) => {
    drawn = { ...drawn, ...event.detail, at: Date.now(), owed: drawn.owed || "mask" in event.detail };
    part("start_sum")?.trigger(event.detail.sides ? "framed" : "masked", {});
  });
  const mask = () => drawn.mask;
  const sides = () => ["left", "right", "top", "bottom"].map((name) => drawn.sides[name]);

  function easelFollows() { // numbers set in the form move the frame, but never one that is being dragged
    const have = $("#start .have"), way = document.body.dataset.easel;
    if (!["inpaint", "outpaint"].includes(way)) return; // a reference's easel has its own to follow
    if (!have || have.dataset.way !== way) easelAway();
    else if (way === "outpaint" && Date.now() - drawn.at > 600) window.studio.easel.sides(JSON.parse(have.dataset.sides));
  }

  async function easelDone() { // the last stroke reaches the form before anything is asked for
    if (document.body.dataset.easel) await window.studio.easel.settled();
    const field = $("#mask textarea, #mask input");
    for (let turn = 0; drawn.owed && field?.value !== drawn.mask && turn < 100; turn++) await moment();
    drawn.owed = false;
    easelAway();
  }

  function groups() { // a row of answers has its words inside, but Gradio does not say that they are its name
    for (const group of $$("fieldset.segm:not([aria-labelledby])")) {
      const words = $("[data-testid=block-info]", group);
      if (!words) continue;
      words.id = `${group.id}_words`;
      group.setAttribute("aria-labelledby", words.id);
    }
  }

  // -- where the models are -----------------------------------------------------------------------------------
  let looking, picked = ""; // the row that was asked about last: a look that is under way knows of an older one
  function look() {
    clearTimeout(looking);
    const on = document.body.dataset.page === "models";
    if (!document.hidden && !lost && restored) part(on ? "models" : "tools")?.trigger("look", on && picked ? { model: picked } : {});
    looking = setTimeout(look, on ? 2000 : 5000);
  }

  // -- the gallery --------------------------------------------------------------------------------------------
  let opened = null;
  const items = () => $$("#gallery .pc[data-id]");
  // Asked while it answers, Gradio drops what is asked or asks the same again: so the last that was wanted waits here.
  const PATIENCE = 8000; // milliseconds, then the answer is not waited for any longer
  let reads = 0, reading = "", due = null, impatient;
  function inTurn(ask) { if (reading) due = ask; else ask(); }
  function read(turn = {}) {
    const gallery = part("gallery");
    if (!gallery) return; // it reads by itself once it is there
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
    const { before, count } = $("#gallery .rolls")?.dataset || {};
    const mine = reading = String(++reads);
    impatient = setTimeout(() => wasRead(mine), PATIENCE);
    gallery.trigger("read", { zone, before, count, read: mine, ...turn });
  }
  function wasRead(answer) {
    if (!reading || answer !== reading) return;
    clearTimeout(impatient);
    reading = "";
    const next = due;
    due = null;
    next?.();
  }
  const reload = () => { if (!due) inTurn(read); }; // what waits shows the present state anyway

  // Rows come and go above and below: one picture is kept where it was seen.
  let still = null;
  const scrolled = () => (narrow() ? document.scrollingElement : $("#gallery .rolls"));
  const topOf = (item) => item.getBoundingClientRect().top;
  const turnTo = (way, by = 0) => inTurn(() => turnNow(way, by));
  function turnNow(way, by) {
    const all = items(), at = way === "older" ? all.length - 1 : 0, button = $(`#gallery .${way}`);
    if (!button || !all[at]) return;
    const on = document.activeElement === button ? all[at] : document.activeElement?.closest?.("#gallery .pc");
    still = { id: all[at].dataset.id, top: topOf(all[at]), by, on: on?.dataset.id };
    read({ turn: way });
  }
  const jump = (before) => inTurn(() => {
    still = {};
    closePicture();
    read({ before, count: "" });
  });
  function turnedTo() {
    if (!still) return;
    const { id, top, by, on } = still, find = (id) => items().find((one) => one.dataset.id === id);
    still = null;
    if (!find(id)) scrolled().scrollTop = 0;
    else scrolled().scrollTop += topOf(find(id)) - top;
    if (on) find(on)?.focus({ preventScroll: true });
    if (by) step(by, true);
  }

  function openPicture(id, focus = true) {
    const item = items().find((one) => one.dataset.id === id);
    const drawer = $("#gallery .drawer");
    const sheet = $(`#gallery template[data-for="${id}"]`);
    if (!item || !drawer || !sheet) return closePicture();
    opened = id;
    drawer.replaceChildren(sheet.content.cloneNode(true));
    drawer.hidden = false;
    $("#gallery .pages").classList.add("opened");
    items().forEach((one) => one.classList.toggle("on", one === item));
    item.scrollIntoView({ block: "nearest" });
    if (focus) (narrow() ? $(".shut", drawer) : item).focus({ preventScroll: true });
  }
  function closePicture() {
    const drawer = $("#gallery .drawer");
    if (!drawer || drawer.hidden) return false;
    const item = items().find((one) => one.dataset.id === opened);
    opened = null;
    drawer.hidden = true;
    drawer.replaceChildren();
    $("#gallery .pages")?.classList.remove("opened");
    items().forEach((one) => one.classList.remove("on"));
    item?.focus();
    return true;
  }
  function drawerAgain() { if (opened) openPicture(opened, false); }

  function step(by, turned = false) {
    const all = items();
    const at = all.findIndex((one) => one.dataset.id === opened || one === document.activeElement);
    const way = by < 0 ? "newer" : "older";
    if (!turned && !all[at + by] && $(`#gallery .${way}`)) return turnTo(way, by);
    const next = all[Math.min(Math.max(at + by, 0), all.length - 1)];
    if (!next) return;
    if (opened) openPicture(next.dataset.id);
    else next.focus();
  }

  function askDelete(picture) {
    const dialog = $("dialog.ask");
    $(".ask-yes", dialog).dataset.picture = picture;
    dialog.showModal();
  }
  function filled() { // a recipe is in the form now; what of it is missing is told already
    go("create");
    if (!$(".toasts .toast")) toast("gallery.filled");
  }
  function removed() {
    const all = items(), at = all.findIndex((one) => one.dataset.id === opened);
    const next = all[at + 1] || all[at - 1];
    if (opened && next) openPicture(next.dataset.id, false); else closePicture();
    reload();
    follow();
  }

  // -- clicks that need no server -----------------------------------------------------------------------------
  const LOCAL = {
    language: (b) => language(b.dataset.language),
    theme: () => theme(root.dataset.theme === "dark" ? "light" : "dark"),
    menu: (b) => menu(b, b.getAttribute("aria-expanded") !== "true"),
    go: (b) => go(b.dataset.page),
    copy: (b) => copy(b.dataset.copy, b.dataset.said),
    delete: (b) => askDelete(b.dataset.picture),
    discard: (b) => { store("dismissed", [b.dataset.job, ...dismissed()].slice(0, 20)); follow(); },
    easel: (b) => easel(b.dataset.way),
    compare: () => {}, // held, not clicked
    full: (b) => { const img = $(".shot img", b.closest(".plate")); img?.requestFullscreen?.(); },
    open: (b) => { if (b.dataset.slot) { choice = b.dataset.slot; show(choice); } go("picture"); },
    picture: (b) => openPicture(b.dataset.id),
    shut: () => closePicture(),
    pick: (b) => { part("tools")?.trigger("choose", { model: b.dataset.model }); go("create"); },
    why: (b) => { picked = b.dataset.model; go("models"); },
    previous: () => step(-1),
    next: () => step(1),
    older: () => turnTo("older"),
    newer: () => turnTo("newer"),
    jump: (b) => jump(b.dataset.before),
    more: (b) => turn(b),
    retry: () => ping(),
    generate: () => press(),
    stop: () => stop(),
  };

  function menu(button, open) {
    button.setAttribute("aria-expanded", open);
    const list = button.parentElement.querySelector(".popover");
    list.hidden = !open;
    if (open) $("[role=menuitemradio][aria-checked=true]", list)?.focus();
  }
  const closeMenus = () => $$('[data-local=menu][aria-expanded=true]').map((b) => (menu(b, false), b.focus(), b)).length > 0;

  let turned = 0;
  function turn(button) {
    const all = $$(".starter", button.closest(".starters")), size = 4;
    const at = turned = (turned + size) % all.length;
    all.forEach((card, index) => card.classList.toggle("away", (index - at + all.length) % all.length >= size));
  }

  const comparing = (event) => event.target.closest?.("[data-local=compare]")?.closest(".plate");
  const compare = (event, on) => { $$("#stage .plate.comparing").forEach((plate) => plate.classList.remove("comparing")); if (on) comparing(event)?.classList.add("comparing"); };
  for (const name of ["pointerdown", "pointerup", "pointercancel"]) document.addEventListener(name, (event) => compare(event, name === "pointerdown"));
  for (const name of ["keydown", "keyup"]) document.addEventListener(name, (event) => {
    if (/^(Enter| )$/.test(event.key) && comparing(event)) { event.preventDefault(); compare(event, name === "keydown"); }
  });

  document.addEventListener("click", (event) => {
    const thumb = event.target.closest(".sb[data-show]");
    if (thumb && !thumb.disabled) { choice = thumb.dataset.show; show(choice); }
    const button = event.target.closest("[data-local]");
    if (button && !button.disabled) LOCAL[button.dataset.local]?.(button);
    if (!event.target.closest(".menu") || event.target.closest("[role^=menuitem]")) {
      $$("[data-local=menu][aria-expanded=true]").forEach((b) => menu(b, false));
    }
    if (event.target.closest("dialog.ask button") || event.target.matches("dialog.ask")) $("dialog.ask").close();
    setTimeout(seen, 0);
  });

  // -- keys ---------------------------------------------------------------------------------------------------
  let chord = 0;
  const typing = (target) => target.closest?.("input:not([type=radio]):not([type=range]):not([type=checkbox]), textarea, [contenteditable=true], select");

  document.addEventListener("keydown", (event) => {
    if (event.isComposing || event.keyCode === 229) return;
    if ((event.ctrlKey || event.metaKey) && event.key === "Enter") {
      event.preventDefault();
      if (!event.repeat && !$("dialog.ask")?.open && document.body.dataset.page !== "gallery") press();
      return;
    }
    if (event.key === "Escape") return escape(event);
    if (event.altKey && /^Digit[1-4]$/.test(event.code)) {
      const tab = $$("#ltabs > .tab-wrapper [role=tab]")[Number(event.code.slice(5)) - 1];
      if (tab) { event.preventDefault(); tab.click(); }
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || $("dialog.ask")?.open) return;
    arrows(event);
    letters(event);
  });

  function escape(event) {
    if ($("dialog.ask")?.open) return; // the dialog closes itself
    if (closeMenus()) return;
    if (document.body.dataset.page === "gallery") { closePicture(); return; }
    if (document.querySelector("[role=listbox], ul.options")) return; // an open drop-down closes first
    stop();
  }

  function arrows(event) {
    const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!by || event.target.matches?.("input, [role=tab], [role^=menuitem]")) return menuArrows(event, by);
    if (document.body.dataset.page === "gallery") {
      if (!opened && !document.activeElement?.closest?.(".pc")) return;
      event.preventDefault();
      const columns = getComputedStyle($("#gallery .grid")).gridTemplateColumns.split(" ").length;
      step(/Up|Down/.test(event.key) ? by * columns : by);
    } else if (event.target.closest?.("#stage") || (event.target === document.body && document.body.dataset.page !== "models")) {
      const thumbs = $$("#stage .sb:not([disabled])");
      const at = thumbs.findIndex((thumb) => thumb.classList.contains("on"));
      const next = thumbs[Math.min(Math.max(at + by, 0), thumbs.length - 1)];
      if (next) { event.preventDefault(); next.click(); next.focus({ preventScroll: true }); }
    }
  }

  function menuArrows(event, by) {
    if (!by || !event.target.matches?.("[role^=menuitem]")) return;
    const rows = $$("[role^=menuitem]", event.target.closest(".popover"));
    event.preventDefault();
    rows[(rows.indexOf(event.target) + by + rows.length) % rows.length].focus();
  }

  function letters(event) {
    const key = event.key.toLowerCase();
    if (Date.now() - chord < 1200 && "cgm".includes(key)) {
      chord = 0;
      go({ c: "create", g: "gallery", m: "models" }[key]);
    } else if (key === "g") chord = Date.now();
    else if (key === "d") {
      const shown = document.body.dataset.page === "gallery" ? opened && $("#gallery .drawer a[download]") : event.target.closest("#stage") && $("#stage .plate.on a[download]");
      if (shown) shown.click();
    }
  }

  // -- pictures that were brought: the studio lets go of those that nobody needs, so whoever has some says so -----------
  const HALF_A_DAY = 12 * 60 * 60 * 1000;
  let held = 0;
  function hold() {
    if (Date.now() - held < HALF_A_DAY) return;
    held = Date.now();
    const told = ["form", "training", "reference"].map((key) => JSON.stringify(store(key)));
    const pictures = [...new Set(told.join().match(/\b[0-9a-f]{64}\b/g))].slice(0, 2000);
    const body = JSON.stringify({ pictures });
    if (pictures.length) fetch("api/inputs/held", { method: "POST", headers: { "Content-Type": "application/json" }, body }).catch(() => { held = 0; });
  }

  // -- a lost connection --------------------------------------------------------------------------------------
  let boot = null, lost = false, asking = false, asked = 0, timer = null;

  async function ping() {
    if (asking) return;
    asking = true;
    asked = Date.now();
    clearTimeout(timer);
    try {
      const answer = await fetch("alive", { cache: "no-store", signal: AbortSignal.timeout(4000) });
      const now = (await answer.json()).boot;
      // Another server behind the same address knows nothing of this page's streams.
      if (boot && now !== boot) return location.reload();
      boot = now;
      hold();
      if (lost || (document.body.dataset.busy === "yes" && Date.now() - heard > 20000)) follow();
      away(false);
    } catch (error) { away(true); }
    asking = false;
    timer = setTimeout(ping, lost ? 3000 : 6000);
  }
  function away(is) {
    lost = is;
    document.body.dataset.lost = is ? "yes" : "no";
  }

  // -- start --------------------------------------------------------------------------------------------------
  function begin() {
    document.body.dataset.page = "create";
    document.body.dataset.busy = "no";
    root.style.background = "";
    document.body.classList.toggle("dark", root.dataset.theme === "dark");
    language_only();
    new MutationObserver(seen).observe(document.body, { subtree: true, attributeFilter: ["aria-selected"] });
    // Gradio notices a broken stream first; asking at once tells whether the server is gone.
    new MutationObserver(() => { if (!lost && Date.now() - asked > 1500 && $(".toast-body.error")) ping(); }).observe(document.body, { subtree: true, childList: true });
    // A sleeping telephone loses its streams: whoever comes back follows anew.
    document.addEventListener("visibilitychange", () => { if (!document.hidden && restored) { ping(); follow(); look(); } });
    ping();
  }
  function language_only() {
    document.cookie = `studio_language=${root.dataset.lang};path=/;max-age=31536000;${SITE}`;
    document.title = root.dataset.lang === "zh" ? "咒语书 · Spellbook Studio" : "Spellbook Studio · 咒语书";
  }
  if (document.body) begin(); else document.addEventListener("DOMContentLoaded", begin);

  return { inOrder, live, lay: morph, press, touch, keep, kept, ready, removed, filled, sent, mask, sides, toast, go, follow };
})();
