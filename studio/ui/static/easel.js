// Bringing pictures (upload, drop, paste), and the easel: a mask is painted or a frame is set on the stage.
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

  // -- the mask at the picture's own size; what came before is kept as the squares that changed --------------------
  const SIDE = 256, STEPS = 30, MOST_STEPS = 200, MEMORY = 48e6;

  function pack({ data }) {
    const runs = [];
    for (let at = 3; at < data.length;) {
      let run = 1;
      while (run < 256 && at + 4 * run < data.length && data[at + 4 * run] === data[at]) run++;
      runs.push(data[at], run - 1);
      at += 4 * run;
    }
    return Uint8Array.from(runs);
  }

  function blank([, , width, height]) {
    const runs = new Uint8Array(2 * Math.ceil(width * height / 256));
    for (let at = 1; at < runs.length; at += 2) runs[at] = 255;
    runs[runs.length - 1] = (width * height - 1) % 256;
    return runs;
  }

  function unpack(packed, width, height) {
    const image = new ImageData(width, height);
    image.data.fill(255);
    for (let pair = 0, at = 3; pair < packed.length; pair += 2)
      for (let run = packed[pair + 1]; run >= 0; run--, at += 4) image.data[at] = packed[pair];
    return image;
  }
  const same = (a, b) => a.length === b.length && a.every((value, at) => value === b[at]);
  const weight = (step) => [...step.values()].reduce((sum, packed) => sum + packed.length, 0);

  class Paper {
    constructor(width, height) {
      Object.assign(this, { width, height, across: Math.ceil(width / SIDE), down: Math.ceil(height / SIDE) });
      this.canvas = canvas(width, height);
      // Read back after every stroke: on a graphics card that would be slow.
      this.ctx = this.canvas.getContext("2d", { willReadFrequently: true });
      Object.assign(this.ctx, { fillStyle: "#fff", strokeStyle: "#fff", lineCap: "round", lineJoin: "round" });
      this.kept = this.squares.map((at) => blank(this.place(at)));
      Object.assign(this, { touched: new Set(), done: [], undone: [] });
    }
    get squares() { return [...Array(this.across * this.down).keys()]; }
    get empty() { return this.kept.every((packed) => packed.every((value, at) => at % 2 || value === 0)); }

    place(at) {
      const x = (at % this.across) * SIDE, y = Math.floor(at / this.across) * SIDE;
      return [x, y, Math.min(SIDE, this.width - x), Math.min(SIDE, this.height - y)];
    }
    read(at) { return this.ctx.getImageData(...this.place(at)); }
    write(at, packed) {
      const [x, y, width, height] = this.place(at);
      this.ctx.putImageData(unpack(packed, width, height), x, y);
    }

    take(image) {
      this.ctx.drawImage(image, 0, 0, this.width, this.height);
      for (const at of this.squares) {
        const [x, y] = this.place(at), grey = this.read(at), { data } = grey;
        for (let i = 0; i < data.length; i += 4) { data[i + 3] = data[i]; data[i] = data[i + 1] = data[i + 2] = 255; }
        this.ctx.putImageData(grey, x, y);
        this.kept[at] = pack(grey);
      }
    }

    touch([left, top, right, bottom]) {
      const first = (value, most) => clamp(Math.floor(value / SIDE), 0, most - 1);
      for (let y = first(top, this.down); y <= first(bottom, this.down); y++)
        for (let x = first(left, this.across); x <= first(right, this.across); x++) this.touched.add(y * this.across + x);
    }
    draw(how, box, paint) {
      this.ctx.globalCompositeOperation = how;
      this.touch(box);
      paint(this.ctx);
    }
    whole(how) {
      this.draw(how, [0, 0, this.width, this.height], (ctx) => ctx.fillRect(0, 0, this.width, this.height));
      return this.commit();
    }
    clear() { return this.whole("destination-out"); }
    invert() { return this.whole("source-out"); }

    commit() {
      const step = new Map();
      for (const at of this.touched) {
        const now = pack(this.read(at));
        if (!same(now, this.kept[at])) { step.set(at, this.kept[at]); this.kept[at] = now; }
      }
      this.touched.clear();
      if (step.size) { this.done.push(step); this.undone = []; this.forget(); }
      return step.size > 0;
    }
    rollback() {
      for (const at of this.touched) this.write(at, this.kept[at]);
      this.touched.clear();
    }
    forget() {
      let heavy = this.done.reduce((sum, step) => sum + weight(step), 0);
      while (this.done.length > MOST_STEPS || (this.done.length > STEPS && heavy > MEMORY)) heavy -= weight(this.done.shift());
    }
    back() { return this.swap(this.done, this.undone); }
    again() { return this.swap(this.undone, this.done); }
    swap(from, to) {
      const step = from.pop(), inverse = new Map();
      if (!step) return false;
      for (const [at, packed] of step) { inverse.set(at, this.kept[at]); this.kept[at] = packed; this.write(at, packed); }
      to.push(inverse);
      return true;
    }

    png() {
      const sheet = canvas(this.width, this.height), ctx = sheet.getContext("2d");
      ctx.fillRect(0, 0, this.width, this.height);
      ctx.drawImage(this.canvas, 0, 0);
      return blob(sheet, "image/png");
    }
  }

  // -- keeping the mask: after a pause, one at a time, only the newest is told ------------------------------------
  const PAUSE = 350, PATIENCE = 1500;

  class Keeper {
    constructor(host, paper, digest, told, where, heard, more = {}) {
      this.more = more; // what the owner of this board wants to hear along
      Object.assign(this, { host, paper, digest, told, where, heard, version: 0, saved: 0, running: Promise.resolve(), timer: 0 });
    }
    soon() {
      if (this.version++ === this.saved) this.busy(true);
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.now(), PAUSE);
    }
    now() {
      clearTimeout(this.timer);
      this.running = this.running.then(() => this.send());
      return this.running;
    }
    async send() {
      const version = this.version;
      if (version === this.saved) return;
      try {
        const digest = this.paper.empty && !this.blank ? "" : (await post(this.where, await this.paper.png())).picture;
        this.saved = version;
        if (version === this.version) this.tell(digest);
      } catch (error) { this.failed(error.message); }
      if (version === this.version) this.busy(false);
    }
    tell(digest) {
      this.digest = digest;
      this.told("");
      fire(this.host, this.heard, { ...this.more, mask: digest });
    }
    failed(text) {
      this.told(text);
      fire(this.host, "easel:failed", { text });
    }
    busy(is) { fire(this.host, "easel:busy", { busy: is }); }
    async settled() {
      await this.now();
      if (this.saved !== this.version) throw new Error(say("unsaved"));
      return this.digest;
    }
  }

  // -- where the picture lies under the eyes ----------------------------------------------------------------------
  const ROOM = 16, CRISP = 3;

  class View {
    constructor(place, width, height) { Object.assign(this, { place, width, height, scale: 1, x: 0, y: 0, fitted: true }); }
    get fitting() {
      const { clientWidth, clientHeight } = this.place;
      return Math.max(0.01, Math.min((clientWidth - 2 * ROOM) / this.width, (clientHeight - 2 * ROOM) / this.height));
    }
    fit() {
      const scale = this.fitting;
      Object.assign(this, { scale, fitted: true });
      this.x = (this.place.clientWidth - this.width * scale) / 2;
      this.y = (this.place.clientHeight - this.height * scale) / 2;
    }
    resize() { if (this.fitted) this.fit(); else this.pan(0, 0); }
    pan(dx, dy) {
      const within = (value, size, room) => clamp(value, Math.min(0, 48 - size), Math.max(room - 48, 0));
      this.x = within(this.x + dx, this.width * this.scale, this.place.clientWidth);
      this.y = within(this.y + dy, this.height * this.scale, this.place.clientHeight);
      this.fitted = false;
    }
    zoom(factor, [cx, cy] = [this.place.clientWidth / 2, this.place.clientHeight / 2]) {
      const fitting = this.fitting;
      const scale = clamp(this.scale * factor, Math.min(fitting, 1) / 2, Math.max(32, fitting * 8));
      const by = scale / this.scale;
      Object.assign(this, { scale, x: cx - (cx - this.x) * by, y: cy - (cy - this.y) * by });
      this.pan(0, 0);
    }
    here(event) {
      const box = this.place.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    }
    point(event) {
      const [x, y] = this.here(event);
      return [(x - this.x) / this.scale, (y - this.y) / this.scale];
    }
  }

  // -- what a pointer does while it is down -----------------------------------------------------------------------
  const middle = ([ax, ay], [bx, by]) => [(ax + bx) / 2, (ay + by) / 2];
  const around = (points, room) => [
    Math.min(...points.map(([x]) => x)) - room, Math.min(...points.map(([, y]) => y)) - room,
    Math.max(...points.map(([x]) => x)) + room, Math.max(...points.map(([, y]) => y)) + room,
  ];

  class Stroke {
    constructor(easel, how) { Object.assign(this, { easel, how, last: null, turn: null }); }
    width(event) {
      const pressed = event.pointerType === "pen" && event.pressure > 0 ? 0.2 + 0.8 * event.pressure : 1;
      return Math.max(1, this.easel.size * pressed);
    }
    move(event) {
      const point = this.easel.view.point(event), width = this.width(event);
      if (!this.last) this.dab(point, width);
      else this.bend(point, width);
      this.last = point;
    }
    dab([x, y], width) {
      this.turn = [x, y];
      this.lay([[x, y]], width, (ctx) => { ctx.arc(x, y, width / 2, 0, 2 * Math.PI); ctx.fill(); });
    }
    bend(point, width) {
      // Curves from middle to middle: a fast hand leaves corners otherwise.
      const from = this.turn, by = this.last, to = middle(by, point);
      this.turn = to;
      this.lay([from, by, to], width, (ctx) => { ctx.moveTo(...from); ctx.quadraticCurveTo(...by, ...to); ctx.stroke(); });
      this.ending = width;
    }
    end() {
      const from = this.turn, to = this.last;
      if (this.ending) this.lay([from, to], this.ending, (ctx) => { ctx.moveTo(...from); ctx.lineTo(...to); ctx.stroke(); });
    }
    lay(points, width, paint) {
      const box = around(points, width / 2 + 2);
      this.easel.paper.draw(this.how, box, (ctx) => { ctx.lineWidth = width; ctx.beginPath(); paint(ctx); });
      this.easel.show(box);
    }
    outline() {}
  }

  class Shape {
    constructor(easel, how) { Object.assign(this, { easel, how, points: [] }); }
    move(event) {
      this.add(this.easel.view.point(event));
      this.easel.show();
    }
    end() {
      if (this.area() < 1) return;
      this.easel.paper.draw(this.how, around(this.points, 2), (ctx) => { ctx.beginPath(); this.trace(ctx); ctx.fill(); });
    }
    outline(ctx) {
      ctx.beginPath();
      this.trace(ctx);
    }
  }

  class Rectangle extends Shape {
    add(point) { this.points = [this.points[0] || point, point]; }
    get corners() { return this.points.map(([x, y]) => [Math.round(x), Math.round(y)]); }
    area() {
      const [[ax, ay], [bx, by]] = this.corners;
      return Math.abs((bx - ax) * (by - ay));
    }
    trace(ctx) {
      const [[ax, ay], [bx, by]] = this.corners;
      ctx.rect(ax, ay, bx - ax, by - ay);
    }
  }

  class Lasso extends Shape {
    add(point) { this.points.push(point); }
    area() {
      const [left, top, right, bottom] = around(this.points, 0);
      return this.points.length > 2 ? (right - left) * (bottom - top) : 0;
    }
    trace(ctx) {
      this.points.forEach((point) => ctx.lineTo(...point));
      ctx.closePath();
    }
  }

  class Hand {
    constructor(easel) { Object.assign(this, { easel, last: null }); }
    move(event) {
      const now = [event.clientX, event.clientY];
      if (this.last) this.easel.view.pan(now[0] - this.last[0], now[1] - this.last[1]);
      this.last = now;
      this.easel.moved();
    }
    end() {}
    outline() {}
  }

  const TOOLS = { brush: Stroke, eraser: Stroke, rectangle: Rectangle, lasso: Lasso };
  const LETTERS = { b: "brush", e: "eraser", r: "rectangle", l: "lasso" };
  const BUTTONS = [0, 1, 5], TURNED = 32; // left, middle, a pen held upside down and what that one sets
  const LINE = 24; // pixels of a line, in which some wheels count
  const NEAR = 24; // pixels a finger moves before a second one means anything but a pinch

  // -- what both ways share ---------------------------------------------------------------------------------------
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

  // -- the mask is painted ----------------------------------------------------------------------------------------
  let share = 0.1; // of the brush in the shorter side: kept from one picture to the next

  class Painting extends Board {
    constructor(host, options) {
      super(host, options);
      this.paper = new Paper(this.width, this.height);
      this.view = new View(this.place, this.width, this.height);
      this.keeper = new Keeper(host, this.paper, options.mask || "", (text) => this.kept(text), ...this.channel, options.more);
      Object.assign(this, { tool: "brush", doing: null, fingers: new Map(), pinch: null, stale: null, frame: 0 });
      this.film = make("canvas", { className: "efilm" });
      this.ring = make("div", { className: "ering", hidden: true });
      this.place.prepend(this.film, this.ring);
      this.furnish();
      this.listen();
    }

    furnish() {
      const letters = Object.entries(LETTERS);
      const tools = make("div", { className: "eseg" }, letters.map(([key, name]) => tool(name, name, "ib", key.toUpperCase())));
      tools.setAttribute("role", "group");
      tools.dataset.name = "tools";
      this.slider = make("input", { type: "range", min: 0, max: 1000 }, [], { name: "size" });
      this.number = make("output", { className: "num" });
      const size = make("div", { className: "esize" }, [this.slider, this.number]);
      const [steps, wholes] = [["undo", "redo"], ["invert", "clear"]].map((names) =>
        make("div", { className: `egroup e${names[0]}` }, names.map((name) => tool(name, name, "ib bare"))));
      this.percent = make("button", { type: "button", className: "ib bare epercent num" }, [], { act: "fit", name: "fit" });
      const zoom = make("div", { className: "egroup ezoom" }, [tool("out", "minus", "ib bare"), this.percent, tool("in", "plus", "ib bare")]);
      this.bar.append(tools, size, steps, wholes, zoom, this.finish());
      this.slider.addEventListener("input", () => this.sized(this.largest ** (this.slider.value / 1000)));
      this.state();
    }
    listen() {
      const on = (name, heard, options) => this.film.addEventListener(name, heard, options);
      on("pointerdown", (event) => this.down(event));
      on("pointermove", (event) => this.move(event));
      on("pointerup", (event) => this.up(event));
      on("pointercancel", (event) => this.up(event, true));
      on("pointerleave", () => { this.ring.hidden = true; });
      this.place.addEventListener("blur", () => this.place.classList.remove("pointed"));
      on("contextmenu", (event) => event.preventDefault());
      this.place.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    }

    get channel() { return ["api/masks", "easel:change"]; }
    get first() { return share * Math.min(this.width, this.height); }
    get lead() { return "hint"; }
    async under(digest) { return picture(digest); }
    async load() {
      this.hint("loading");
      const { picture: digest, mask } = this.options;
      const [image, painted] = await Promise.all([this.under(digest), mask ? picture(mask) : null]);
      image.className = "eimage";
      this.image = image;
      this.place.prepend(image);
      if (painted) this.paper.take(painted);
      this.choose("brush");
      this.sized(this.first);
      if (this.paper.empty) this.hint(this.lead); else this.quiet();
      this.fit();
      this.state();
    }
    retry() {
      if (!this.image) return this.start();
      this.hint("saving");
      this.keeper.now();
    }

    // -- showing
    fit() {
      this.view.resize();
      const ratio = this.ratio = devicePixelRatio;
      this.film.width = Math.round(this.place.clientWidth * ratio);
      this.film.height = Math.round(this.place.clientHeight * ratio);
      this.hatch = hatch(this.film.getContext("2d"), ratio);
      this.moved();
    }
    moved() {
      const { x, y, scale } = this.view;
      if (this.image) {
        this.image.style.transform = `translate(${x}px,${y}px)`;
        Object.assign(this.image.style, { width: `${this.width * scale}px`, height: `${this.height * scale}px` });
        this.image.classList.toggle("crisp", scale >= CRISP);
      }
      put(this.percent, "percent", { n: Math.round(scale * 100) });
      speak(this.percent);
      this.rung();
      this.show();
    }
    show(box = null) {
      const old = this.frame ? this.stale : box;
      this.stale = box && old ? around([box, old].flatMap(([a, b, c, d]) => [[a, b], [c, d]]), 0) : null; // null: all of it
      this.frame ||= requestAnimationFrame(() => this.paint());
    }
    paint() {
      const ctx = this.film.getContext("2d"), k = this.view.scale * this.ratio;
      const [x, y] = [this.view.x * this.ratio, this.view.y * this.ratio];
      const [left, top, right, bottom] = this.stale ? this.shown(x, y, k) : [0, 0, this.film.width, this.film.height];
      Object.assign(this, { frame: 0, stale: null });
      ctx.save();
      ctx.beginPath();
      ctx.rect(left, top, right - left, bottom - top);
      ctx.clip();
      ctx.clearRect(left, top, right - left, bottom - top);
      ctx.imageSmoothingEnabled = this.view.scale < CRISP;
      this.ink(ctx, [x, y, this.width * k, this.height * k], [left, top, right - left, bottom - top]);
      ctx.restore();
      this.trace(ctx, x, y, k);
    }
    ink(ctx, whole, part) {
      ctx.drawImage(this.paper.canvas, ...whole);
      ctx.globalCompositeOperation = "source-in";
      ctx.fillStyle = this.hatch;
      ctx.fillRect(...part);
    }
    shown(x, y, k) {
      const [left, top, right, bottom] = this.stale;
      return [Math.floor(x + left * k) - 2, Math.floor(y + top * k) - 2, Math.ceil(x + right * k) + 2, Math.ceil(y + bottom * k) + 2];
    }
    trace(ctx, x, y, k) {
      if (!this.doing?.points) return;
      ctx.save();
      ctx.setTransform(k, 0, 0, k, x, y);
      this.doing.outline(ctx);
      ctx.setTransform(1, 0, 0, 1, 0, 0);
      // White under black dashes: seen on any picture.
      Object.assign(ctx, { lineWidth: 3 * this.ratio, strokeStyle: "#fff" });
      ctx.stroke();
      Object.assign(ctx, { lineWidth: 1.5 * this.ratio, strokeStyle: "#221D18" });
      ctx.setLineDash([6 * this.ratio, 5 * this.ratio]);
      ctx.stroke();
      ctx.restore();
    }
    rung(event) {
      const seen = ["brush", "eraser"].includes(this.tool) && !this.panning;
      if (event) {
        [this.ringX, this.ringY] = this.view.here(event);
        this.ring.hidden = !seen;
      } else if (!seen) this.ring.hidden = true;
      const across = Math.max(this.size * this.view.scale, 3) || 0;
      const style = { width: `${across}px`, height: `${across}px` };
      Object.assign(this.ring.style, style, { transform: `translate(${this.ringX - across / 2}px,${this.ringY - across / 2}px)` });
    }

    // -- pointers
    down(event) {
      this.place.classList.add("pointed"); // whoever paints needs no frame that shows where the keys go
      this.place.focus({ preventScroll: true });
      this.film.setPointerCapture(event.pointerId);
      if (event.pointerType === "touch") {
        this.fingers.set(event.pointerId, this.view.here(event));
        if (this.fingers.size === 2 && (!this.doing || this.fingers.has(this.pointer))) return this.pinched();
      }
      // One thing at a time: a palm beside the pen does nothing.
      if (this.doing || this.pinch || !this.image || !BUTTONS.includes(event.button)) return;
      Object.assign(this, { pointer: event.pointerId, from: this.view.here(event), far: false });
      this.doing = this.begin(event);
      this.doing.move(event);
      this.rung(event);
    }
    begin(event) {
      if (event.button === 1 || this.panning) return new Hand(this);
      const away = this.tool === "eraser" || event.altKey || event.buttons & TURNED;
      return new TOOLS[this.tool](this, away ? "destination-out" : "source-over");
    }
    move(event) {
      if (this.fingers.has(event.pointerId)) this.fingers.set(event.pointerId, this.view.here(event));
      if (this.pinch) return this.pinching();
      this.rung(event);
      if (!this.doing || event.pointerId !== this.pointer) return;
      const [x, y] = this.view.here(event);
      this.far ||= Math.hypot(x - this.from[0], y - this.from[1]) > NEAR;
      const between = event.getCoalescedEvents?.() || [];
      for (const one of between.length ? between : [event]) this.doing.move(one);
    }
    up(event, lost = false) {
      this.fingers.delete(event.pointerId);
      if (event.pointerType === "touch") this.ring.hidden = true;
      if (this.pinch) { if (this.fingers.size < 2) this.pinch = null; return; }
      if (!this.doing || event.pointerId !== this.pointer) return;
      const done = this.doing;
      this.doing = null;
      if (lost && done.points) this.show(); else { done.end(); this.finished(); }
    }
    pinched() {
      const done = this.doing;
      this.doing = null;
      // Two fingers seldom land at once: what the first began by that is taken back.
      if (done && !done.points && this.far) { done.end(); this.finished(); }
      else if (done) { this.paper.rollback(); this.show(); }
      this.ring.hidden = true;
      this.pinch = this.spread();
    }
    spread() {
      const [a, b] = [...this.fingers.values()];
      return { middle: middle(a, b), apart: Math.max(1, Math.hypot(a[0] - b[0], a[1] - b[1])) };
    }
    pinching() {
      if (this.fingers.size < 2) return;
      const was = this.pinch, now = this.pinch = this.spread();
      this.view.pan(now.middle[0] - was.middle[0], now.middle[1] - was.middle[1]);
      this.view.zoom(now.apart / was.apart, now.middle);
      this.moved();
    }
    wheel(event) {
      const zooms = event.ctrlKey || event.metaKey;
      if (!zooms && this.view.scale <= this.view.fitting * 1.01) return; // nothing to move: the page may scroll
      event.preventDefault();
      const unit = event.deltaMode ? LINE : 1;
      if (zooms) this.view.zoom(Math.exp(-clamp(event.deltaY * unit, -100, 100) / 250), this.view.here(event));
      else this.view.pan(-event.deltaX * unit, -event.deltaY * unit);
      this.moved();
    }

    // -- what is done to the mask
    finished() {
      if (this.paper.commit()) this.changed();
      this.show();
    }
    changed() {
      this.quiet();
      clearTimeout(this.patience);
      this.patience = setTimeout(() => this.hint("saving"), PATIENCE); // said only where it takes its time
      this.keeper.soon();
      this.state();
      this.show();
    }
    kept(text) {
      clearTimeout(this.patience);
      if (text) this.trouble(text);
      else if (this.paper.empty) this.hint(this.lead);
      else this.quiet();
    }
    act(name) {
      if (TOOLS[name]) this.choose(name);
      if (name === "fit") { this.view.fit(); this.moved(); }
      if (name === "in" || name === "out") { this.view.zoom(name === "in" ? 1.25 : 0.8); this.moved(); }
      const change = { undo: "back", redo: "again", invert: "invert", clear: "clear" }[name];
      if (change && this.image && !this.doing && this.paper[change]()) this.changed();
    }
    choose(name) {
      this.tool = name;
      this.element.dataset.tool = name;
      this.rung();
      for (const button of this.bar.querySelectorAll(".eseg button")) button.setAttribute("aria-pressed", button.dataset.act === name);
    }
    get largest() { return Math.max(16, Math.round(Math.min(this.width, this.height) / 2)); }
    sized(size) {
      this.size = clamp(Math.round(size), 1, this.largest);
      this.remember();
      this.slider.value = Math.round(1000 * Math.log(this.size) / Math.log(this.largest));
      this.slider.style.setProperty("--at", `${this.slider.value / 10}%`);
      this.slider.setAttribute("aria-valuetext", `${this.size} px`);
      this.number.textContent = `${this.size} px`;
      this.rung();
    }
    remember() { share = this.size / Math.min(this.width, this.height); }
    state() {
      const off = { undo: !this.paper.done.length, redo: !this.paper.undone.length, clear: this.paper.empty };
      for (const [act, is] of Object.entries(off)) this.bar.querySelector(`[data-act=${act}]`).disabled = is;
    }

    // -- keys
    key(event) {
      const key = event.key.toLowerCase();
      if (event.ctrlKey || event.metaKey) return this.chord(key, event.shiftKey);
      if (event.altKey) return false;
      if (key === " ") return this.space(event);
      if (LETTERS[key]) this.choose(LETTERS[key]);
      else if (key === "[" || key === "]") this.sized(key === "]" ? Math.max(this.size + 1, this.size * 1.15) : Math.min(this.size - 1, this.size / 1.15));
      else if ("+=-0".includes(key)) this.act({ "+": "in", "=": "in", "-": "out", 0: "fit" }[key]);
      else return this.arrow(event);
      return true;
    }
    chord(key, shift) {
      if (key !== "z" && key !== "y") return false;
      this.act(shift || key === "y" ? "redo" : "undo");
      return true;
    }
    space(event) {
      if (event.target.closest?.("button, a, input") && !this.film.matches(":hover")) return false;
      this.panning = true;
      this.element.dataset.tool = "hand";
      this.rung();
      return true;
    }
    released() {
      if (!this.panning) return;
      this.panning = false;
      this.element.dataset.tool = this.tool;
    }
    arrow(event) {
      const by = { ArrowLeft: [48, 0], ArrowRight: [-48, 0], ArrowUp: [0, 48], ArrowDown: [0, -48] }[event.key];
      if (!by || event.target !== this.place) return false;
      this.view.pan(...by);
      this.moved();
      return true;
    }
    settled() { return this.keeper.settled(); }
    unmount() {
      super.unmount();
      cancelAnimationFrame(this.frame);
      clearTimeout(this.patience);
      this.keeper.now();
    }
  }

  // -- a map is drawn: the mask's paper again, its white shown as white --------------------------------------------
  const HAIR = 0.012, FAINT = 0.4; // of a pen in the shorter side; of the picture that lines are traced from

  class Sketching extends Painting {
    constructor(host, options) {
      super(host, options);
      this.faint = Boolean(options.picture);
      this.keeper.blank = Boolean(options.mask); // a map that is erased is a black one
      if (options.picture) this.bar.querySelector(".einvert").prepend(tool("under", "image", "ib bare"));
      this.state();
    }
    get channel() { return ["api/inputs", "easel:drawn"]; }
    get first() { return Math.max(2, HAIR * Math.min(this.width, this.height)); }
    get lead() { return "draw"; }
    remember() {} // a pen is no brush: the mask keeps its own
    async under(digest) { return digest ? picture(digest) : Object.assign(new Image(), { alt: "" }); }
    ink(ctx, whole, part) {
      ctx.fillStyle = "#000";
      ctx.globalAlpha = this.faint ? 1 - FAINT : 1;
      ctx.fillRect(...whole);
      ctx.globalAlpha = 1;
      ctx.drawImage(this.paper.canvas, ...whole);
    }
    act(name) {
      if (name === "under") this.faint = !this.faint;
      super.act(name);
      this.state();
      this.show();
    }
    state() {
      super.state();
      this.bar.querySelector("[data-act=under]")?.setAttribute("aria-pressed", this.faint);
    }
  }

  function hatch(ctx, ratio) {
    // Two tones, so that one of them stands out on any picture, and stripes, so that colour is not all.
    const side = Math.round(10 * ratio), tile = canvas(side, side), pen = tile.getContext("2d");
    pen.fillStyle = "rgba(255,255,255,.5)";
    pen.fillRect(0, 0, side, side);
    pen.globalCompositeOperation = "destination-out";
    stripes(pen, side, "#000");
    Object.assign(pen, { globalCompositeOperation: "source-over", globalAlpha: 0.66 });
    stripes(pen, side, getComputedStyle(root).getPropertyValue("--seal").trim());
    return ctx.createPattern(tile, "repeat");
  }
  function stripes(pen, side, colour) {
    Object.assign(pen, { strokeStyle: colour, lineWidth: side / 2 / Math.SQRT2 });
    pen.beginPath();
    for (const at of [-side, 0, side]) { pen.moveTo(at - side, side * 2); pen.lineTo(at + side * 2, -side); }
    pen.stroke();
  }

  // -- the frame is set -------------------------------------------------------------------------------------------
  const EDGES = ["left", "right", "top", "bottom"];
  const HANDLES = [...EDGES, "left top", "right top", "left bottom", "right bottom"];
  const OPPOSITE = { left: "right", right: "left", top: "bottom", bottom: "top" };
  const OUTWARD = { ArrowLeft: [["left", 1], ["right", -1]], ArrowRight: [["left", -1], ["right", 1]], ArrowUp: [["top", 1], ["bottom", -1]], ArrowDown: [["top", -1], ["bottom", 1]] };
  const LEAP = 4; // multiples at a time with Shift

  class Framing extends Board {
    constructor(host, options) {
      super(host, options);
      this.multiple = options.multiple || 8;
      this.sides = { left: 0, right: 0, top: 0, bottom: 0, ...options.sides };
      this.handles = HANDLES.map((edges) => this.handle(edges));
      this.numbers = EDGES.map((edge) => make("output", { className: "enumber num" }, [], { edge }));
      this.box = make("div", { className: "eframe" }, [...this.numbers, ...this.handles]);
      this.place.prepend(this.box);
      this.text = make("span", { className: "esum num" });
      this.bar.append(this.text, tool("reset", "reset", "ib bare"), this.finish());
    }
    handle(edges) {
      const name = edges.replace(" ", "_");
      const button = make("button", { type: "button", className: "ehandle" }, [], { edges, name });
      if (!edges.includes(" ")) button.setAttribute("role", "slider");
      button.addEventListener("pointerdown", (event) => this.grab(event, button));
      button.addEventListener("pointermove", (event) => this.drag(event));
      for (const end of ["pointerup", "pointercancel"]) button.addEventListener(end, () => this.letGo());
      return button;
    }
    async load() {
      this.image = await picture(this.options.picture);
      this.image.className = "eimage";
      this.box.prepend(this.image);
      this.image.classList.toggle("crisp", this.scale >= CRISP);
    }
    retry() {
      this.quiet();
      this.start();
    }

    // -- showing
    fit() {
      const { clientWidth, clientHeight } = this.place, room = 128; // for the numbers, and to have somewhere to pull to
      const [across, down] = this.total;
      this.scale = Math.max(0.01, Math.min((clientWidth - room) / across, (clientHeight - room) / down));
      this.x = (clientWidth - across * this.scale) / 2 + this.sides.left * this.scale;
      this.y = (clientHeight - down * this.scale) / 2 + this.sides.top * this.scale;
      this.lay();
    }
    get total() {
      const { left, right, top, bottom } = this.sides;
      return [this.width + left + right, this.height + top + bottom];
    }
    lay() {
      const { scale, sides, box } = this, [across, down] = this.total;
      const px = (value) => `${value * scale}px`;
      box.style.transform = `translate(${this.x - sides.left * scale}px,${this.y - sides.top * scale}px)`;
      Object.assign(box.style, { width: px(across), height: px(down) });
      for (const edge of EDGES) box.style.setProperty(`--${edge}`, px(sides[edge]));
      this.image?.classList.toggle("crisp", scale >= CRISP);
      put(this.text, "sum", { from: `${this.width} × ${this.height}`, to: `${across} × ${down}` });
      this.bar.querySelector("[data-act=reset]").disabled = EDGES.every((edge) => !sides[edge]);
      this.tell();
    }
    tell() {
      for (const number of this.numbers) number.textContent = this.sides[number.dataset.edge];
      for (const handle of this.handles.slice(0, 4)) {
        const value = this.sides[handle.dataset.edges];
        const told = { valuenow: value, valuemin: 0, valuemax: this.most(handle.dataset.edges), valuetext: `${value} px` };
        for (const [name, is] of Object.entries(told)) handle.setAttribute(`aria-${name}`, is);
        handle.setAttribute("aria-orientation", /left|right/.test(handle.dataset.edges) ? "horizontal" : "vertical");
      }
    }

    // -- setting
    most(edge) {
      const own = /left|right/.test(edge) ? this.width : this.height;
      const left = (this.options.largest || 8 * own) - own - this.sides[OPPOSITE[edge]];
      return Math.max(0, Math.floor(left / this.multiple) * this.multiple);
    }
    set(edge, pixels) {
      const value = clamp(Math.round(pixels / this.multiple) * this.multiple, 0, this.most(edge));
      const changed = value !== this.sides[edge];
      this.sides = { ...this.sides, [edge]: value };
      return changed;
    }
    grab(event, button) {
      if (event.button) return;
      button.setPointerCapture(event.pointerId);
      button.focus({ preventScroll: true });
      this.held = { edges: button.dataset.edges.split(" "), x: event.clientX, y: event.clientY, sides: this.sides };
      event.preventDefault();
    }
    drag(event) {
      if (!this.held) return;
      const { edges, x, y, sides } = this.held;
      const by = { left: x - event.clientX, right: event.clientX - x, top: y - event.clientY, bottom: event.clientY - y };
      const changed = edges.map((edge) => this.set(edge, sides[edge] + by[edge] / this.scale));
      if (changed.includes(true)) this.lay();
    }
    letGo() {
      if (!this.held) return;
      const was = this.held.sides;
      this.held = null;
      this.fit();
      if (EDGES.some((edge) => was[edge] !== this.sides[edge])) this.soon();
    }
    act(name) {
      if (name !== "reset") return;
      this.sides = { left: 0, right: 0, top: 0, bottom: 0 };
      this.fit();
      this.soon();
    }
    key(event) {
      const edges = event.target.dataset?.edges?.split(" ");
      if (!edges || !OUTWARD[event.key] || event.ctrlKey || event.metaKey || event.altKey) return false;
      const by = this.multiple * (event.shiftKey ? LEAP : 1);
      const moves = OUTWARD[event.key].filter(([edge]) => edges.includes(edge));
      if (moves.map(([edge, way]) => this.set(edge, this.sides[edge] + way * by)).includes(true)) { this.fit(); this.soon(); }
      return true;
    }

    // -- telling: a held key is told once, when it rests
    soon() {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.now(), 120);
    }
    now() {
      clearTimeout(this.timer);
      this.timer = 0;
      fire(this.host, "easel:change", { sides: { ...this.sides } });
    }
    given(sides) {
      // An older answer must not move the frame under the hand.
      if (this.held || this.timer) return;
      this.sides = { ...this.sides, ...sides };
      this.fit();
    }
    async settled() { if (this.timer) this.now(); }
    unmount() {
      super.unmount();
      this.settled();
    }
  }

  // -- the easel on the stage: one at a time ----------------------------------------------------------------------
  const boards = { inpaint: Painting, outpaint: Framing, sketch: Sketching };
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
      boards, say, kit: { Board, View, make, tool, icon, put, speak, canvas, blob, picture, clamp, fire },
    },
  };
})());
