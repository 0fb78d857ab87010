// A frame is set around a picture that is to grow.
((easel) => {
  const { boards, kit } = easel, { Board, make, tool, put, picture, clamp, fire, CRISP } = kit;

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

  boards.outpaint = Framing;
})(window.studio.easel);
