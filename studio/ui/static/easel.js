// Bringing pictures (upload, drop, paste), and the easel on the stage; what is done on it stands in the files beside.
Object.assign(window.studio, (() => {
  const root = document.documentElement;
  const fire = (target, name, detail = {}) => {
    // A live part may have been drawn anew meanwhile: what is told must still reach the page.
    (target.isConnected ? target : document.body).dispatchEvent(new CustomEvent(name, { bubbles: true, detail }));
  };
  const clamp = (value, least, most) => Math.min(Math.max(value, least), most);
  const typing = (target) => target?.closest?.("input:not([type=radio]):not([type=range]):not([type=checkbox]), textarea, [contenteditable=true], select");
  const address = (digest) => `api/inputs/${digest}`;

  // -- words: a key has one text, or one per language -------------------------------------------------------------
  const table = {};

  function words(given) {
    Object.assign(table, given);
    speakAll();
  }

  function say(key, values = {}) {
    const entry = table[key];
    const text = typeof entry === "string" ? entry : entry?.[root.dataset.lang] ?? key;
    return text.replace(/\{(\w+)\}/g, (all, name) => values[name] ?? all);
  }

  function speak(place) {
    for (const node of [place, ...place.querySelectorAll("[data-say], [data-name]")]) {
      const values = JSON.parse(node.dataset.values || "{}");
      if (node.dataset.say) node.textContent = say(node.dataset.say, values);
      if (node.dataset.name) node.setAttribute("aria-label", say(node.dataset.name, values));
    }
  }
  const speakAll = () => document.querySelectorAll(".easel, .dropveil").forEach(speak);

  function put(node, key, values = {}) {
    node.dataset.say = key;
    node.dataset.values = JSON.stringify(values);
    node.textContent = say(key, values);
  }

  function spoken() {
    // The page's table is written as HTML; here it is text.
    const plain = (text) => Object.assign(document.createElement("textarea"), { innerHTML: text }).value;
    for (const [key, both] of Object.entries(window.studio_words || {}))
      if (key.startsWith("easel.")) table[key.slice(6)] = { en: plain(both.en), zh: plain(both.zh) };
  }

  // -- talking to the studio --------------------------------------------------------------------------------------
  async function post(where, body, signal) {
    const headers = { "Content-Type": body.type || "application/octet-stream" };
    let answer, told = null;
    try {
      answer = await fetch(where, { method: "POST", headers, body, signal });
      told = await answer.json();
    } catch (error) {
      if (!answer) throw new Error(say("unreachable"));
    }
    if (!answer.ok || !told?.picture) throw new Error(told?.text || say("refused"));
    return told;
  }

  const HEAVY = 40e6, PIXELS = 20e6; // bytes that are sent as they are; pixels that a lighter copy has at most

  async function bring(file) {
    const light = file.size > HEAVY ? await lighter(file) : null;
    const told = await post("api/inputs", light || file);
    return light ? { ...told, notes: [...(told.notes || []), { code: "easel.scaled", text: say("scaled") }] } : told;
  }

  async function lighter(file) {
    let drawn;
    try { drawn = await createImageBitmap(file); } catch (error) { return null; } // the studio may know the format
    const share = Math.sqrt(PIXELS / (drawn.width * drawn.height));
    if (share >= 1) return null;
    const sheet = canvas(Math.round(drawn.width * share), Math.round(drawn.height * share));
    sheet.getContext("2d").drawImage(drawn, 0, 0, sheet.width, sheet.height);
    drawn.close();
    // JPEG has no transparency.
    return blob(sheet, file.type === "image/jpeg" ? "image/jpeg" : "image/webp");
  }

  const canvas = (width, height) => Object.assign(document.createElement("canvas"), { width, height });
  const blob = (sheet, type) => new Promise((done, fail) => {
    sheet.toBlob((made) => (made ? done(made) : fail(new Error(say("refused")))), type, 0.95);
  });

  async function picture(digest) {
    const image = new Image();
    image.src = address(digest);
    image.draggable = false;
    image.alt = "";
    try { await image.decode(); } catch (error) { throw new Error(say("gone")); }
    return image;
  }

  // -- dropping and pasting ---------------------------------------------------------------------------------------
  // Of two pictures that are brought for one place the one chosen last is meant, whichever arrives first.
  let last = 0;
  function turn() {
    const mine = ++last;
    return () => mine === last;
  }
  async function carry(files) {
    const file = [...files].find((one) => !one.type || one.type.startsWith("image/"));
    if (!file) return fire(document, "studio:bring-failed", { text: say("not_a_picture") });
    const mine = turn();
    fire(document, "studio:bringing", { name: file.name });
    try {
      const told = await bring(file);
      if (!mine()) return;
      if (files.length > 1) told.notes = [...(told.notes || []), { code: "easel.one", text: say("one") }];
      fire(document, "studio:brought", told);
    } catch (error) { if (mine()) fire(document, "studio:bring-failed", { text: error.message }); }
  }

  const AWAY = 200; // some browsers say between two elements that the pointer left
  let leaving = 0, own = false; // own: a picture of this page is being dragged about
  const files = (event) => !own && [...(event.dataTransfer?.types || [])].includes("Files");

  function veil(shown) {
    clearTimeout(leaving);
    const had = document.querySelector(".dropveil");
    if (!shown) return had?.remove();
    if (had) return had;
    const made = make("div", { className: "dropveil" }, [
      make("p", {}, [icon("image"), make("span", {}, [], { say: "drop" })]),
    ]);
    speak(made);
    document.body.append(made);
    return made;
  }

  function watchDrops() {
    document.addEventListener("dragstart", () => { own = true; });
    document.addEventListener("dragend", () => { own = false; veil(false); });
    // Where the picture was taken away meanwhile, nobody tells of the end.
    document.addEventListener("pointerdown", () => { own = false; }, true);
    for (const name of ["dragenter", "dragover"]) document.addEventListener(name, over);
    document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) leaving = setTimeout(veil, AWAY, false); });
    document.addEventListener("drop", dropped);
  }
  function over(event) {
    if (!files(event)) return;
    veil(true);
    if (event.defaultPrevented) return;
    event.preventDefault(); // else the browser leaves the page for the picture
    event.dataTransfer.dropEffect = "copy";
  }
  function dropped(event) {
    veil(false);
    if (!files(event) || event.defaultPrevented) return;
    event.preventDefault();
    carry(event.dataTransfer.files);
  }

  function pasted(event) {
    const held = event.clipboardData;
    if (!held?.files.length) return;
    if (typing(event.target) && [...held.types].includes("text/plain")) return; // meant for the field
    event.preventDefault();
    carry(held.files);
  }

  // -- making elements --------------------------------------------------------------------------------------------
  function make(tag, props = {}, inner = [], data = {}) {
    const node = Object.assign(document.createElement(tag), props);
    Object.assign(node.dataset, data);
    node.append(...inner);
    return node;
  }
  const icon = (name) => make("i", { className: "eic", ariaHidden: "true" }, [], { icon: name });
  function tool(act, name, classes = "ib", key = "") {
    const tip = make("span", { className: "tip" }, [make("span", {}, [], { say: act })]);
    if (key) tip.append(make("kbd", { textContent: key, ariaHidden: "true" }));
    const button = make("button", { type: "button", className: classes }, [icon(name), tip], { act });
    if (key) button.setAttribute("aria-keyshortcuts", key);
    return button;
  }

  // -- what all ways share ----------------------------------------------------------------------------------------
  const CRISP = 3; // times as large as it is, from which on a picture's pixels are shown as squares

  class Board {
    constructor(host, options) {
      const [width, height] = options.size;
      Object.assign(this, { host, options, width, height });
      this.place = make("div", { className: "eview", tabIndex: 0 }, [], { name: `${options.way}_view` });
      this.place.setAttribute("role", "group");
      this.note = make("p", { className: "esay" });
      this.note.setAttribute("role", "status");
      this.place.append(this.note);
      this.bar = make("div", { className: "ebar" });
      this.element = make("div", { className: "easel" }, [this.bar, this.place], { own: "yes", way: options.way });
      this.element.addEventListener("click", (event) => this.clicked(event));
      this.watcher = new ResizeObserver(() => this.measure());
    }
    mount() {
      speak(this.element);
      this.host.append(this.element);
      this.big = matchMedia("(max-width: 899px), (pointer: coarse)").matches;
      this.element.classList.toggle("big", this.big);
      this.watcher.observe(this.place);
      this.measure();
      this.before = document.activeElement;
      this.start();
    }
    start() {
      this.ready = this.load().then(() => true, (error) => { this.trouble(error.message); return false; });
    }
    measure() {
      if (!this.element.isConnected) return closed(this); // the part of the page it stood in was drawn anew
      this.element.classList.toggle("slim", this.element.clientWidth < 600);
      if (this.place.clientWidth) this.fit();
    }
    unmount() {
      this.watcher.disconnect();
      this.element.remove();
    }
    clicked(event) {
      const act = event.target.closest("[data-act]")?.dataset.act;
      if (act === "done") done();
      else if (act === "retry") this.retry();
      else if (act) this.act(act);
    }
    finish() { return make("button", { type: "button", className: "btn edone" }, [icon("check"), make("span", {}, [], { say: "done" })], { act: "done" }); }
    hint(key, values) {
      this.note.classList.remove("bad");
      put(this.note, key, values);
    }
    quiet() { this.note.replaceChildren(); delete this.note.dataset.say; }
    trouble(text) {
      this.quiet();
      this.note.classList.add("bad");
      this.note.append(icon("trouble"), make("span", { textContent: text }), make("button", { type: "button", className: "btn link" }, [], { act: "retry", say: "retry" }));
      speak(this.note);
    }
    key() { return false; }
    released() {}
    async settled() {}
  }

  // -- the easel on the stage: one at a time ----------------------------------------------------------------------
  const boards = {}; // by way: what each file beside this one adds
  let current = null;

  function open(host, options) {
    current?.unmount();
    current = new boards[options.way](host, options);
    current.mount();
    return current.ready;
  }
  function close() {
    if (!current) return;
    const { before } = current;
    closed(current);
    if (before?.isConnected) before.focus({ preventScroll: true });
  }
  async function done() { // what was drawn is kept before it leaves the eyes; what could not be kept stays
    const board = current;
    try { await board?.settled(); } catch (error) { return; } // the board itself has told why
    if (board === current) close();
  }
  function closed(board) {
    if (current !== board) return;
    current = null;
    board.unmount();
    fire(board.host, "easel:close");
  }

  const busy = () => /yes|starting|stopping/.test(document.body.dataset.busy || "");
  const menus = () => document.querySelector("dialog[open], [role=listbox], ul.options, [data-local=menu][aria-expanded=true]");

  function keyed(event) {
    if (!current || event.isComposing || event.keyCode === 229 || event.defaultPrevented) return;
    if (!current.element.offsetParent || typing(event.target) || document.querySelector("dialog[open]")) return;
    if (event.key === "Escape") { if (!busy() && !menus()) done(); return; }
    if (event.target !== document.body && !event.target.closest?.(".easel")) return;
    if (event.target.matches?.("input[type=range]") && /Arrow|Home|End|Page/.test(event.key)) return;
    if (!current.key(event)) return;
    event.preventDefault();
    event.stopPropagation(); // the page has letters and arrows of its own
  }

  // Seen before the page's own keys are.
  document.addEventListener("keydown", keyed, true);
  document.addEventListener("keyup", (event) => {
    if (event.key !== " " || !current?.panning) return;
    event.preventDefault(); // a focused button would be pressed by it
    current.released();
  }, true);
  addEventListener("blur", () => current?.released());
  document.addEventListener("paste", pasted);
  new MutationObserver(speakAll).observe(root, { attributeFilter: ["data-lang"] });
  // The hatch takes its colour from the theme.
  new MutationObserver(() => current?.measure()).observe(root, { attributeFilter: ["data-theme"] });
  watchDrops();
  spoken();

  return {
    bring,
    turn,
    post,
    easel: {
      words, open, close, sides: (sides) => current?.given?.(sides), settled: async () => current?.settled(),
      boards, say, kit: { Board, make, tool, icon, put, speak, canvas, blob, picture, post, clamp, fire, CRISP },
    },
  };
})());
