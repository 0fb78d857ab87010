// A mask is painted, or a map in white on black.
((easel) => {
  const { boards, kit } = easel, root = document.documentElement;
  const { Board, View, Paper, Keeper, Stroke, Rectangle, Lasso, Hand } = kit;
  const { make, tool, put, speak, canvas, picture, clamp, around, CRISP } = kit;
  const TOOLS = { brush: Stroke, eraser: Stroke, rectangle: Rectangle, lasso: Lasso };
  const LETTERS = { b: "brush", e: "eraser", r: "rectangle", l: "lasso" };
  const BUTTONS = [0, 1, 5], TURNED = 32; // left, middle, a pen held upside down and what that one sets
  const NEAR = 24; // pixels a finger moves before a second one means anything but a pinch
  const PATIENCE = 1500; // milliseconds that keeping may take without a word

  // -- the mask is painted ----------------------------------------------------------------------------------------
  let share = 0.1; // of the brush in the shorter side: kept from one picture to the next

  class Painting extends Board {
    constructor(host, options) {
      super(host, options);
      this.paper = this.sheet();
      this.view = new View(this.place, this.width, this.height);
      this.keeper = new Keeper(host, this.paper, options.mask || "", (text) => this.kept(text), ...this.channel, options.more);
      Object.assign(this, { tool: "brush", doing: null, fingers: new Map(), pinch: null, stale: null, frame: 0 });
      this.film = make("canvas", { className: "efilm" });
      this.ring = make("div", { className: "ering", hidden: true });
      this.place.prepend(this.film, this.ring);
      this.furnish();
      this.listen();
    }

    sheet() { return new Paper(this.width, this.height); }
    get letters() { return LETTERS; }
    get wholes() { return ["invert", "clear"]; }
    furnish() {
      const letters = Object.entries(this.letters);
      const tools = make("div", { className: "eseg" }, letters.map(([key, name]) => tool(name, name, "ib", key.toUpperCase())));
      tools.setAttribute("role", "group");
      tools.dataset.name = "tools";
      this.slider = make("input", { type: "range", min: 0, max: 1000 }, [], { name: "size" });
      this.number = make("output", { className: "num" });
      const size = make("div", { className: "esize" }, [this.slider, this.number]);
      const [steps, wholes] = [["steps", "undo", "redo"], ["wholes", ...this.wholes]].map(([group, ...names]) =>
        make("div", { className: `egroup e${group}` }, names.map((name) => tool(name, name, "ib bare"))));
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
      this.pinch = this.view.spread(this.fingers);
    }
    pinching() {
      if (this.fingers.size < 2) return;
      this.pinch = this.view.pinch(this.pinch, this.fingers);
      this.moved();
    }
    wheel(event) { if (this.view.wheel(event)) this.moved(); }

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
      if (Object.values(this.letters).includes(name)) this.choose(name);
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
    get smallest() { return 1; }
    get largest() { return Math.max(16, Math.round(Math.min(this.width, this.height) / 2)); }
    sized(size) {
      this.size = clamp(Math.round(size), this.smallest, this.largest);
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
      if (this.letters[key]) this.choose(this.letters[key]);
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
      if (options.picture) this.bar.querySelector(".ewholes").prepend(tool("under", "image", "ib bare"));
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

  Object.assign(boards, { inpaint: Painting, sketch: Sketching });
  Object.assign(kit, { Sketching, FAINT, LETTERS });
})(window.studio.easel);
