// The pose editor: figures on the stage, dragged into a pose by their joints and, where one looks closely, by the points
// of hands and faces.
((easel) => {
  const { kit } = easel, { Board, View, figures, make, tool, put, speak, blob, picture, clamp } = kit;
  const { JOINTS, NECK, WHOLE, LIMBS, FINGERS, HANDS, PARTS, HEAD, COLOURS, TINTS, css, whole, has, clone } = figures;
  const MOST = 4, STEPS = 100;
  const LARGER = 1.08; // at one press
  const CLOSE = 2; // times as large as a picture fits: single points of hands and faces are to be had
  const NEAR = 24; // pixels a finger moves before a second one means nothing
  // Pixels around a joint and a point that are theirs, on a screen for pointers and one for fingers; how much nearer than
  // a joint a point must be to be meant.
  const REACH = { joint: [12, 20], point: [8, 14], before: [6, 8] };
  const svg = (tag, given = {}) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(given)) node.setAttribute(name, value);
    return node;
  };

  // -- the shelf of ready poses -------------------------------------------------------------------------------------
  let shelf = null;
  function poses() {
    return (shelf ||= fetch("poses").then((answer) => answer.json()).catch((error) => { shelf = null; throw new Error(easel.say("unreachable")); }));
  }
  function placed(people, [width, height]) { // a square's figures in the middle of a picture of any shape
    const side = Math.min(width, height);
    return people.map((person) => whole(person.map((joint) => joint && [(joint[0] - 0.5) * side + width / 2, (joint[1] - 0.5) * side + height / 2])));
  }
  function thumb(people) {
    const small = svg("svg", { viewBox: "0 0 1 1", "aria-hidden": "true" });
    for (const person of people) for (const [at, [from, to]] of LIMBS.entries()) {
      if (!person[from] || !person[to]) continue;
      const [[x1, y1], [x2, y2]] = [person[from], person[to]];
      small.append(svg("line", { x1, y1, x2, y2, stroke: css(COLOURS[at], 0.85) }));
    }
    return small;
  }

  // -- the editor -----------------------------------------------------------------------------------------------------
  class Posing extends Board {
    constructor(host, options) {
      super(host, options);
      Object.assign(this, { people: [], past: [], future: [], held: null, pulled: null, pinch: null, fingers: new Map() });
      Object.assign(this, { both: false, detail: false, close: false, chosen: 0, last: null, applied: "" });
      this.sheet = svg("svg", { class: "psheet", viewBox: `0 0 ${this.width} ${this.height}` });
      this.tip = make("output", { className: "ptip", hidden: true });
      this.row = make("div", { className: "pshelf" }, [], { name: "poses" });
      this.row.setAttribute("role", "group");
      this.area = make("div", { className: "parea" }, [this.tip]);
      this.area.prepend(this.sheet);
      this.view = new View(this.area, this.width, this.height);
      this.place.prepend(this.area, this.row);
      this.furnish();
      this.listen();
    }
    furnish() {
      const group = (name, ...names) => make("div", { className: `egroup ${name}` }, names.map(([act, icon, key]) => tool(act, icon, "ib bare", key)));
      const use = make("button", { type: "button", className: "btn pri edone puse" }, [kit.icon("check"), make("span", {}, [], { say: "use_pose" })], { act: "use" });
      const away = make("button", { type: "button", className: "btn quiet pcancel" }, [], { act: "cancel", say: "cancel" });
      this.percent = make("button", { type: "button", className: "ib bare epercent num" }, [], { act: "fit", name: "fit" });
      const zoom = make("div", { className: "egroup ezoom" }, [tool("out", "minus", "ib bare"), this.percent, tool("in", "plus", "ib bare")]);
      this.bar.append(
        group("psteps", ["undo", "undo"], ["redo", "redo"]), group("psides", ["both", "both", "M"], ["flip", "flip"]),
        group("psize", ["smaller", "smaller", "["], ["larger", "larger", "]"]), group("pwho", ["person", "person"], ["unperson", "clear"]),
        group("pparts", ["hands", "hands", "H"], ["face", "face", "F"], ["fingers", "fingers", "D"]), zoom, make("span", { className: "sp" }), away, use,
      );
    }
    listen() {
      this.watcher.observe(this.area); // it gets smaller where the shelf comes in
      const on = (name, heard, options) => this.area.addEventListener(name, heard, options);
      on("pointerdown", (event) => this.down(event));
      on("pointermove", (event) => this.move(event));
      for (const end of ["pointerup", "pointercancel"]) on(end, (event) => this.up(event));
      on("wheel", (event) => this.wheel(event), { passive: false });
      on("focusin", ({ target }) => this.reached(target));
      for (const name of ["focusout", "pointerleave"]) on(name, () => { this.tip.hidden = true; });
      this.row.addEventListener("click", (event) => { const at = event.target.closest("[data-pose]")?.dataset.pose; if (at) this.take(at); });
    }

    async load() {
      this.hint("loading");
      const { picture: under, map, people } = this.options, known = people?.length;
      const [ready, image, drawn] = await Promise.all([poses(), under ? picture(under) : null, map && !known ? picture(map) : null]);
      this.ready_poses = ready;
      if (image) this.sheet.dataset.under = image.src;
      const found = known ? people : drawn ? figures.read(drawn) : [];
      this.people = found.length ? found.map(whole) : placed(ready[0].people, [this.width, this.height]);
      this.stock();
      this.build();
      this.state();
      if (drawn && !found.length) this.hint("pose_unread");
      else if (drawn && figures.detailed(drawn)) this.hint("pose_joints_read");
    }
    retry() { // a pose that could not be kept is still here
      this.quiet();
      if (this.ready_poses) this.use(); else this.start();
    }
    stock() {
      this.row.replaceChildren(...this.ready_poses.map((pose) => {
        const button = make("button", { type: "button" }, [thumb(pose.people), make("small", { lang: "en", className: "w", textContent: pose.title[0] }), make("small", { lang: "zh-CN", className: "w", textContent: pose.title[1] })], { pose: pose.id });
        return button;
      }));
    }

    // -- showing
    build() { // anew where there are more or fewer; only moved where they are the same
      const unit = figures.thickness([this.width, this.height]), stroke = (colour, width, more) => svg("line", { stroke: colour, "stroke-width": width, "stroke-linecap": "round", ...more });
      this.sheet.replaceChildren(svg("rect", { width: this.width, height: this.height, fill: "#000" }));
      if (this.sheet.dataset.under) this.sheet.append(svg("image", { href: this.sheet.dataset.under, width: this.width, height: this.height, opacity: 0.45, preserveAspectRatio: "none" }));
      this.close = this.closely;
      this.lines = this.people.map((_, who) => LIMBS.map((_, at) => stroke(css(COLOURS[at], 0.8), 2 * unit, { "data-who": who })));
      this.bones = this.people.map((person, who) => HANDS.map((hand) => (has(person, hand) ? FINGERS.map((_, at) => stroke(css(TINTS[at]), 2 * figures.FINGER * unit, { "data-who": who, "data-holds": this.holds(who, hand) })) : [])));
      this.dots = this.people.map((person, who) => person.map((_, at) => (at < JOINTS ? this.handle(who, at, css(COLOURS[at])) : null)));
      const points = this.people.flatMap((person, who) => PARTS.filter((part) => has(person, part)).flatMap((part) => this.points(who, part, unit)));
      this.sheet.append(...this.lines.flat(), ...this.bones.flat(2), ...points, ...this.dots.flatMap((row) => row.slice(0, JOINTS)));
      this.sheet.append(...points.filter((one) => one.dataset.name)); // what can be taken lies above the joints
      this.lay();
      this.grow();
      this.mark();
    }
    holds(who, { by }) { return this.people[who][by[0]] ? by[0] : WHOLE; }
    points(who, part, unit) { // to be taken one by one where one looks closely, else a drawing that hangs on a joint
      const colour = css(part === HEAD ? figures.WHITE : figures.BLUE), radius = (part === HEAD ? figures.FEATURE : 0.6) * unit;
      const taken = this.close && who === this.chosen;
      return Array.from({ length: part.count }, (_, at) => {
        const drawn = () => svg("circle", { class: "pflat", r: radius, fill: colour, "data-who": who, "data-holds": this.holds(who, part) });
        return (this.dots[who][part.from + at] = taken ? this.handle(who, part.from + at, colour) : drawn());
      });
    }
    handle(who, joint, colour) {
      const group = svg("g", { class: joint < JOINTS ? "pjoint" : "pjoint ppoint", tabindex: 0, role: "button", "data-who": who, "data-joint": joint });
      const [name, values] = figures.called(joint);
      Object.assign(group.dataset, { name, ...(values ? { values: JSON.stringify(values) } : {}) });
      group.append(svg("circle", { class: "phit", fill: "transparent" }), svg("circle", { class: "pdot", fill: colour }));
      speak(group);
      return group;
    }
    lay() {
      this.people.forEach((person, who) => {
        LIMBS.forEach(([from, to], at) => this.line(this.lines[who][at], person[from], person[to]));
        HANDS.forEach((hand, side) => this.bones[who][side].forEach((bone, at) => this.line(bone, ...FINGERS[at].map((end) => person[hand.from + end]))));
        person.forEach((point, at) => {
          const node = this.dots[who][at];
          if (node) node.style.display = point ? "" : "none";
          if (node && point) node.setAttribute("transform", `translate(${point[0]} ${point[1]})`);
        });
      });
    }
    line(node, from, to) {
      node.style.display = from && to ? "" : "none";
      if (from && to) for (const [name, value] of Object.entries({ x1: from[0], y1: from[1], x2: to[0], y2: to[1] })) node.setAttribute(name, value);
    }
    grow() { // handles are as large on every picture; where points lie close together, theirs are small
      const { scale, fitting } = this.view, size = (of) => of[this.big ? 1 : 0] / scale;
      const fine = clamp((1.6 * scale) / fitting, 2.2, this.big ? 6 : 4.5) / scale;
      for (const group of this.sheet.querySelectorAll(".pjoint")) {
        const point = group.classList.contains("ppoint"), [hit, dot] = group.children;
        hit.setAttribute("r", size(point ? REACH.point : REACH.joint));
        dot.setAttribute("r", point ? fine : size([6, 8]));
        dot.setAttribute("stroke-width", (point ? 0.8 : 2) / scale);
      }
    }
    mark() { // of several, whose hands and face the switches are about
      for (const node of this.sheet.querySelectorAll("[data-who]")) node.classList.toggle("paside", this.people.length > 1 && Number(node.dataset.who) !== this.chosen);
    }
    get closely() { return this.detail || this.view.scale >= CLOSE * this.view.fitting; }
    fit() {
      this.view.resize();
      this.moved();
    }
    moved() {
      const { x, y, scale } = this.view;
      Object.assign(this.sheet.style, { transform: `translate(${x}px,${y}px)`, width: `${this.width * scale}px`, height: `${this.height * scale}px` });
      this.tip.hidden = true;
      put(this.percent, "percent", { n: Math.round(scale * 100) });
      speak(this.percent);
      if (this.ready_poses && this.close !== this.closely) this.build(); else this.grow();
    }
    named(who, joint) {
      const group = this.dots[who]?.[joint];
      if (!group?.dataset.name) { this.tip.hidden = true; return; }
      put(this.tip, ...figures.called(joint));
      const at = group.getBoundingClientRect(), room = this.area.getBoundingClientRect();
      Object.assign(this.tip.style, { left: `${at.left + at.width / 2 - room.left}px`, top: `${at.top - room.top}px` });
      this.tip.hidden = false;
    }
    state() {
      const person = this.people[this.chosen], parts = PARTS.filter((part) => has(person, part));
      const off = { undo: !this.past.length, redo: !this.future.length, person: this.people.length >= MOST, unperson: this.people.length < 2, fingers: !parts.length };
      for (const [act, is] of Object.entries(off)) this.button(act).disabled = is;
      this.button("both").setAttribute("aria-pressed", this.both);
      this.button("fingers").setAttribute("aria-pressed", this.detail && parts.length > 0);
      this.switched("hands", HANDS);
      this.switched("face", [HEAD]);
      this.tell();
    }
    button(act) { return this.bar.querySelector(`[data-act=${act}]`); }
    switched(act, parts) {
      const person = this.people[this.chosen], some = parts.some((part) => has(person, part)), more = this.lacking(parts).length > 0;
      this.button(act).disabled = !some && !more;
      this.button(act).setAttribute("aria-pressed", some && more ? "mixed" : some);
    }
    tell() {
      const inside = ([x, y]) => x >= 0 && y >= 0 && x <= this.width && y <= this.height;
      const out = this.people.flatMap((person) => person.slice(0, JOINTS)).filter((joint) => joint && !inside(joint)).length;
      if (out) this.hint("pose_out", { n: out });
      else if (this.past.length) this.quiet();
      else this.hint(this.big ? "pose_hint_touch" : "pose_hint");
    }

    // -- changing
    change(do_it) {
      const was = clone(this.people);
      do_it();
      if (JSON.stringify(was) === JSON.stringify(this.people)) return;
      this.keep(was);
    }
    keep(was) {
      this.past = [...this.past, was].slice(-STEPS);
      this.future = [];
      this.state();
    }
    swap(from, to) {
      const next = from.pop();
      if (!next) return;
      to.push(clone(this.people));
      this.people = next;
      this.chosen = Math.min(this.chosen, next.length - 1);
      this.build();
      this.state();
    }
    choose(who) {
      if (who === this.chosen) return;
      this.chosen = who;
      if (this.close) this.build(); else this.mark();
      this.state();
    }
    take(id) {
      const pose = this.ready_poses.find((one) => one.id === id);
      this.change(() => { this.people = placed(pose.people, [this.width, this.height]); this.chosen = 0; });
      this.build();
      for (const button of this.row.children) button.setAttribute("aria-pressed", button.dataset.pose === id);
    }
    plain(part) { return part === HEAD ? figures.plainFace(this.people[this.chosen]) : figures.openHand(this.people[this.chosen], part); }
    lacking(parts) { return parts.filter((part) => !has(this.people[this.chosen], part) && this.plain(part)); }
    toggle(parts) { // what is missing comes; where all is there it goes
      const missing = this.lacking(parts), person = this.people[this.chosen];
      this.change(() => { for (const part of missing.length ? missing : parts) figures.put(person, part, missing.length ? this.plain(part) : null); });
      this.build();
      if (missing.length && !this.close) this.hint(this.big ? "parts_hint_touch" : "parts_hint");
    }
    another() {
      const [person] = placed(this.ready_poses[0].people, [this.width, this.height]);
      figures.shift(person, WHOLE, [this.width * 0.12 * this.people.length, 0]);
      this.people.push(person);
      this.chosen = this.people.length - 1;
    }
    resize(factor) { this.change(() => { this.people[this.chosen] = figures.scale(this.people[this.chosen], factor); }); }
    zoom(factor) { // to where one was at work
      const [x, y] = this.last && this.people[this.last[0]]?.[this.last[1]] || [], { view, area } = this;
      const at = [x * view.scale + view.x, y * view.scale + view.y], seen = at[0] >= 0 && at[1] >= 0 && at[0] <= area.clientWidth && at[1] <= area.clientHeight;
      view.zoom(factor, seen ? at : undefined);
      this.moved();
    }
    act(name) {
      const done = {
        undo: () => this.swap(this.past, this.future),
        redo: () => this.swap(this.future, this.past),
        both: () => { this.both = !this.both; this.state(); },
        flip: () => this.anew(() => { this.people = this.people.map((person) => figures.flip(person, this.width)); }),
        smaller: () => this.anew(() => this.resize(1 / LARGER)),
        larger: () => this.anew(() => this.resize(LARGER)),
        person: () => this.anew(() => this.another()),
        unperson: () => this.anew(() => { this.people.splice(this.chosen, 1); this.chosen = 0; }),
        hands: () => this.toggle(HANDS),
        face: () => this.toggle([HEAD]),
        fingers: () => { this.detail = !this.detail; this.build(); this.state(); },
        in: () => this.zoom(1.25),
        out: () => this.zoom(0.8),
        fit: () => { this.view.fit(); this.moved(); },
        use: () => this.use(),
        cancel: () => this.cancel(),
      }[name];
      if (done && (this.ready_poses || ["use", "cancel"].includes(name)) && !this.button(name).disabled) done();
    }
    anew(do_it) {
      this.change(do_it);
      this.build();
      this.state();
    }
    cancel() {
      Object.assign(this, { past: [], future: [] });
      easel.close();
    }
    async use() {
      try { await this.apply(); if (this.element.isConnected) easel.close(); } catch (error) { this.trouble(error.message); }
    }
    async apply() {
      const now = JSON.stringify(this.people);
      if (now === this.applied || !this.people.length) return;
      const kept = await window.studio.bring(await blob(figures.paint(this.people, [this.width, this.height]), "image/png"));
      this.applied = now;
      this.options.done(kept.picture, this.people.map(figures.told));
    }
    async settled() {
      if (!this.past.length && !this.future.length) return;
      try { await this.apply(); } catch (error) { this.trouble(error.message); throw error; }
    }
    unmount() { // what was posed is kept, also where the easel is wanted for something else
      super.unmount();
      this.settled().catch((error) => kit.fire(this.host, "easel:failed", { text: error.message }));
    }

    // -- pointers
    pick(event) { // the nearest; a joint before a point where both are near
      const [x, y] = this.view.point(event), near = (of) => of[this.big ? 1 : 0];
      const found = [];
      this.people.forEach((person, who) => person.forEach((point, at) => {
        const joint = at < JOINTS, away = point && this.dots[who][at]?.dataset.name ? Math.hypot(point[0] - x, point[1] - y) * this.view.scale : Infinity;
        if (away <= near(joint ? REACH.joint : REACH.point)) found.push([away - (joint ? near(REACH.before) : 0), who, at]);
      }));
      return found.sort((one, other) => one[0] - other[0])[0]?.slice(1);
    }
    grabbed(event) {
      const { who, holds } = event.target.closest("[data-who]")?.dataset || {};
      return this.pick(event) || (who && [Number(who), Number(holds ?? WHOLE)]);
    }
    down(event) {
      if (event.pointerType === "touch") this.fingers.set(event.pointerId, this.view.here(event));
      if (this.fingers.size === 2 && this.pinched()) return;
      if (event.button || this.held || this.pulled || this.pinch) return; // one finger at a time: of two the first has the joint
      const [who, joint] = this.grabbed(event) || [], from = { pointer: event.pointerId, x: event.clientX, y: event.clientY };
      this.area.setPointerCapture(event.pointerId);
      event.preventDefault();
      if (who === undefined) this.pulled = from;
      else this.grab(who, joint, from);
      const handle = who !== undefined && this.dots[who][joint]?.dataset.name ? this.dots[who][joint] : this.place;
      handle.focus({ preventScroll: true }); // the next keys are for what was touched
    }
    grab(who, joint, from) {
      this.choose(who);
      this.held = { ...from, who, joint, was: clone(this.people) };
      if (joint !== WHOLE) this.last = [who, joint];
    }
    move(event) {
      if (this.fingers.has(event.pointerId)) this.fingers.set(event.pointerId, this.view.here(event));
      if (this.pinch) return this.pinching();
      if (event.pointerId === this.pulled?.pointer) return this.pull(event);
      if (!this.held) return this.named(...(this.pick(event) || []));
      if (event.pointerId !== this.held.pointer) return;
      const { who, joint, was, x, y } = this.held, by = [event.clientX - x, event.clientY - y];
      this.held.far ||= Math.hypot(...by) > NEAR;
      this.people = clone(was);
      figures.shift(this.people[who], joint, by.map((value) => value / this.view.scale), { alone: event.altKey, both: this.both });
      this.lay();
      this.named(who, joint);
    }
    pull(event) { // what is larger than its place is moved about in it
      const { x, y } = this.pulled;
      if (this.view.scale <= this.view.fitting * 1.01) return;
      this.view.pan(event.clientX - x, event.clientY - y);
      Object.assign(this.pulled, { x: event.clientX, y: event.clientY });
      this.moved();
    }
    up(event) {
      this.fingers.delete(event.pointerId);
      if (this.pinch && this.fingers.size < 2) this.pinch = null;
      if (event.pointerId === this.pulled?.pointer) this.pulled = null;
      if (event.pointerId !== this.held?.pointer) return;
      const { was } = this.held;
      this.held = null;
      if (JSON.stringify(was) !== JSON.stringify(this.people)) this.keep(was);
    }
    pinched() { // two fingers seldom land at once: what the first began by that is taken back
      if (this.held?.far) return false;
      if (this.held) { this.people = this.held.was; this.lay(); }
      Object.assign(this, { held: null, pulled: null, pinch: this.view.spread(this.fingers) });
      return true;
    }
    pinching() {
      if (this.fingers.size < 2) return;
      this.pinch = this.view.pinch(this.pinch, this.fingers);
      this.moved();
    }
    wheel(event) { if (this.view.wheel(event)) this.moved(); }

    // -- keys
    reached(target) { // a figure is chosen by whatever of it is reached
      const { who, joint } = target.closest?.(".pjoint")?.dataset || {};
      if (!who) return;
      this.last = [Number(who), Number(joint)];
      this.choose(Number(who));
      const here = this.dots[who][joint];
      if (here !== target) here.focus({ preventScroll: true }); // it was built anew
      this.named(...this.last);
    }
    key(event) {
      const key = event.key.toLowerCase(), { who, joint } = event.target.closest?.(".pjoint")?.dataset || {};
      if ((event.ctrlKey || event.metaKey) && (key === "z" || key === "y")) { this.act(event.shiftKey || key === "y" ? "redo" : "undo"); return true; }
      if (event.ctrlKey || event.metaKey) return false;
      const act = { m: "both", h: "hands", f: "face", d: "fingers", "[": "smaller", "]": "larger", "+": "in", "=": "in", "-": "out", 0: "fit" }[key];
      if (act && !event.altKey) { this.act(act); this.stay(who, joint); return true; }
      return joint ? this.nudge(event, Number(who), Number(joint)) : false;
    }
    stay(who, joint) { // where the keys were, though the figure was built anew
      const node = who && this.dots[who]?.[joint];
      if (node?.dataset.name && node !== document.activeElement) node.focus({ preventScroll: true });
    }
    nudge(event, who, joint) {
      if (["Delete", "Backspace"].includes(event.key) && joint !== NECK) this.change(() => { this.people[who][joint] = null; });
      else {
        const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
        if (!by) return false;
        this.change(() => figures.shift(this.people[who], joint, by.map((value) => value * (event.shiftKey ? 10 : 1)), { alone: event.altKey, both: this.both }));
      }
      this.lay();
      this.named(who, joint);
      return true;
    }
  }

  easel.boards.pose = Posing;
  kit.posing = async (options, done) => window.studio.reference.onEasel("pose", { ...options, done });
})(window.studio.easel);
