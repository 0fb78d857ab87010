// The pose editor: figures of eighteen joints on the stage, dragged into a pose, drawn in the colours that the nets for
// poses were taught with (OpenPose, COCO order).
(() => {
  const { easel } = window.studio, { kit } = easel, { Board, make, tool, put, speak, canvas, blob, picture } = kit;
  const JOINTS = 18, NECK = 1, MOST = 4, STEPS = 100;
  const LIMBS = [[1, 2], [1, 5], [2, 3], [3, 4], [5, 6], [6, 7], [1, 8], [8, 9], [9, 10], [1, 11], [11, 12], [12, 13], [1, 0], [0, 14], [14, 16], [0, 15], [15, 17]];
  const OTHER = [0, 1, 5, 6, 7, 2, 3, 4, 11, 12, 13, 8, 9, 10, 15, 14, 17, 16]; // the same joint on the other side
  const BEHIND = LIMBS.reduce((tree, [from, to]) => { (tree[from] ||= []).push(to); return tree; }, {});
  const COLOURS = ["255,0,0", "255,85,0", "255,170,0", "255,255,0", "170,255,0", "85,255,0", "0,255,0", "0,255,85", "0,255,170", "0,255,255", "0,170,255", "0,85,255", "0,0,255", "85,0,255", "170,0,255", "255,0,255", "255,0,170", "255,0,85"].map((text) => text.split(",").map(Number));
  const DIM = 0.6; // how bright a limb is beside its joints
  const THICK = 4, AT = 512; // half a limb's width and a joint's radius, in pixels of a picture whose shorter side is this
  const css = (colour, share = 1) => `rgb(${colour.map((part) => Math.floor(part * share)).join(",")})`;
  const svg = (tag, given = {}) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(given)) node.setAttribute(name, value);
    return node;
  };
  const clone = (people) => people.map((person) => person.map((joint) => joint && [...joint]));
  const follow = (joint) => [joint, ...(BEHIND[joint] || []).flatMap(follow)];

  // -- a picture of figures, and figures out of a picture -----------------------------------------------------------
  function paint(people, [width, height]) {
    const sheet = canvas(width, height), ctx = sheet.getContext("2d"), unit = THICK * Math.min(width, height) / AT;
    ctx.fillRect(0, 0, width, height);
    for (const person of people) {
      LIMBS.forEach(([from, to], at) => person[from] && person[to] && limb(ctx, person[from], person[to], unit, css(COLOURS[at], DIM)));
      person.forEach((joint, at) => joint && dot(ctx, joint, unit, css(COLOURS[at])));
    }
    return sheet;
  }
  function limb(ctx, [ax, ay], [bx, by], unit, colour) {
    ctx.fillStyle = colour;
    ctx.beginPath();
    ctx.ellipse((ax + bx) / 2, (ay + by) / 2, Math.hypot(bx - ax, by - ay) / 2, Math.max(0.5, unit), Math.atan2(by - ay, bx - ax), 0, 2 * Math.PI);
    ctx.fill();
  }
  function dot(ctx, [x, y], unit, colour) {
    ctx.fillStyle = colour;
    ctx.beginPath();
    ctx.arc(x, y, Math.max(0.5, unit), 0, 2 * Math.PI);
    ctx.fill();
  }

  function read(image) {
    const width = image.naturalWidth, height = image.naturalHeight;
    const sheet = canvas(width, height), ctx = sheet.getContext("2d", { willReadFrequently: true });
    ctx.drawImage(image, 0, 0);
    const { data } = ctx.getImageData(0, 0, width, height), near = 3 * THICK * Math.min(width, height) / AT;
    const limbed = ([x, y], colour) => alike(data, 4 * (Math.floor(y) * width + Math.floor(x)), colour.map((value) => value * DIM), 40);
    const dots = COLOURS.map((colour) => spots(data, width, colour, near));
    return dots[NECK].map((neck) => figure(neck, dots, limbed, 2 * near)).filter((person) => person.filter(Boolean).length > 4);
  }
  const alike = (data, at, colour, slack) => [0, 1, 2].every((part) => Math.abs(data[at + part] - colour[part]) <= slack);
  function spots(data, width, colour, near) {
    const found = [];
    for (let at = 0; at < data.length; at += 4) {
      if (!alike(data, at, colour, 24)) continue;
      const x = (at / 4) % width, y = Math.floor(at / 4 / width);
      const spot = found.find((one) => Math.hypot(one.x / one.n - x, one.y / one.n - y) < near);
      if (spot) { spot.x += x; spot.y += y; spot.n += 1; } else found.push({ x, y, n: 1 });
    }
    return found.filter((spot) => spot.n > 3).map((spot) => [spot.x / spot.n + 0.5, spot.y / spot.n + 0.5]);
  }
  const between = (from, to, share) => [0, 1].map((part) => from[part] * (1 - share) + to[part] * share);
  function figure(neck, dots, limbed, near) {
    const person = Array(JOINTS).fill(null);
    person[NECK] = neck;
    LIMBS.forEach(([from, to], at) => {
      if (!person[from]) return;
      const seen = (joint) => [0.3, 0.4, 0.5, 0.6, 0.7].filter((share) => limbed(between(person[from], joint, share), COLOURS[at])).length;
      // Joints of a face lie so close that their dots hide what is between them.
      const close = (joint) => (Math.hypot(joint[0] - person[from][0], joint[1] - person[from][1]) < near ? 2 : 0);
      const [best] = dots[to].map((joint) => [seen(joint) + close(joint), joint]).sort((one, other) => other[0] - one[0]);
      if (best && (best[0] > 1 || dots[NECK].length === 1)) person[to] = best[1];
    });
    return person;
  }

  // -- the shelf of ready poses -------------------------------------------------------------------------------------
  let shelf = null;
  function poses() {
    return (shelf ||= fetch("poses").then((answer) => answer.json()).catch((error) => { shelf = null; throw new Error(easel.say("unreachable")); }));
  }
  function placed(people, [width, height]) { // a square's figures in the middle of a picture of any shape
    const side = Math.min(width, height);
    return people.map((person) => person.map((joint) => joint && [(joint[0] - 0.5) * side + width / 2, (joint[1] - 0.5) * side + height / 2]));
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
      Object.assign(this, { people: [], past: [], future: [], held: null, both: false, chosen: 0, applied: "" });
      this.sheet = svg("svg", { class: "psheet", viewBox: `0 0 ${this.width} ${this.height}` });
      this.tip = make("output", { className: "ptip", hidden: true });
      this.row = make("div", { className: "pshelf" }, [], { name: "poses" });
      this.row.setAttribute("role", "group");
      this.area = make("div", { className: "parea" }, [this.tip]);
      this.area.prepend(this.sheet);
      this.place.prepend(this.area, this.row);
      this.furnish();
      this.listen();
    }
    furnish() {
      const group = (...names) => make("div", { className: "egroup" }, names.map(([act, name, key]) => tool(act, name, "ib bare", key)));
      const use = make("button", { type: "button", className: "btn pri edone puse" }, [kit.icon("check"), make("span", {}, [], { say: "use_pose" })], { act: "use" });
      const away = make("button", { type: "button", className: "btn quiet pcancel" }, [], { act: "cancel", say: "cancel" });
      this.bar.append(group(["undo", "undo"], ["redo", "redo"]), group(["both", "both", "M"], ["flip", "flip"]), group(["person", "person"], ["unperson", "clear"]), make("span", { className: "sp" }), away, use);
    }
    listen() {
      this.sheet.addEventListener("pointerdown", (event) => this.down(event));
      this.sheet.addEventListener("pointermove", (event) => this.move(event));
      for (const end of ["pointerup", "pointercancel"]) this.sheet.addEventListener(end, (event) => this.up(event));
      for (const name of ["focusin", "pointerover"]) this.sheet.addEventListener(name, (event) => this.named(event.target));
      for (const name of ["focusout", "pointerout"]) this.sheet.addEventListener(name, () => { this.tip.hidden = true; });
      this.row.addEventListener("click", (event) => { const at = event.target.closest("[data-pose]")?.dataset.pose; if (at) this.take(at); });
    }

    async load() {
      this.hint("loading");
      const { picture: under, map, people } = this.options;
      const [ready, image, drawn] = await Promise.all([poses(), under ? picture(under) : null, map && !people ? picture(map) : null]);
      this.ready_poses = ready;
      if (image) this.sheet.dataset.under = image.src;
      const found = people || (drawn ? read(drawn) : []);
      this.people = found.length ? clone(found) : placed(ready[0].people, [this.width, this.height]);
      this.untouched = JSON.stringify(found);
      this.stock();
      this.build();
      if (drawn && !found.length) this.hint("pose_unread"); else this.state();
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
      const unit = THICK * Math.min(this.width, this.height) / AT;
      this.sheet.replaceChildren(svg("rect", { width: this.width, height: this.height, fill: "#000" }));
      if (this.sheet.dataset.under) this.sheet.append(svg("image", { href: this.sheet.dataset.under, width: this.width, height: this.height, opacity: 0.45, preserveAspectRatio: "none" }));
      this.lines = this.people.map((_, who) => LIMBS.map((_, at) => svg("line", { stroke: css(COLOURS[at], 0.8), "stroke-width": 2 * unit, "stroke-linecap": "round", "data-who": who })));
      this.dots = this.people.map((_, who) => COLOURS.map((colour, joint) => this.handle(who, joint, css(colour))));
      this.sheet.append(...this.lines.flat(), ...this.dots.flat());
      this.lay();
    }
    handle(who, joint, colour) {
      const group = svg("g", { class: "pjoint", tabindex: 0, role: "button", "data-who": who, "data-joint": joint, "data-name": `joint_${joint}` });
      group.append(svg("circle", { class: "phit", fill: "transparent" }), svg("circle", { class: "pdot", fill: colour }));
      speak(group);
      return group;
    }
    lay() {
      this.people.forEach((person, who) => {
        LIMBS.forEach(([from, to], at) => this.line(this.lines[who][at], person[from], person[to]));
        person.forEach((joint, at) => {
          this.dots[who][at].style.display = joint ? "" : "none";
          if (joint) this.dots[who][at].setAttribute("transform", `translate(${joint[0]} ${joint[1]})`);
        });
      });
      this.grow();
    }
    line(node, from, to) {
      node.style.display = from && to ? "" : "none";
      if (from && to) for (const [name, value] of Object.entries({ x1: from[0], y1: from[1], x2: to[0], y2: to[1] })) node.setAttribute(name, value);
    }
    grow() { // handles are as large on every picture
      const scale = this.scale || 1;
      for (const circle of this.sheet.querySelectorAll(".phit")) circle.setAttribute("r", (this.big ? 20 : 12) / scale);
      for (const circle of this.sheet.querySelectorAll(".pdot")) { circle.setAttribute("r", (this.big ? 8 : 6) / scale); circle.setAttribute("stroke-width", 2 / scale); }
    }
    fit() {
      const room = this.area.getBoundingClientRect();
      this.scale = Math.max(0.02, Math.min((room.width - 32) / this.width, (room.height - 32) / this.height));
      Object.assign(this.sheet.style, { width: `${this.width * this.scale}px`, height: `${this.height * this.scale}px` });
      this.grow();
    }
    named(target) {
      const group = target.closest?.(".pjoint");
      if (!group) return;
      put(this.tip, `joint_${group.dataset.joint}`);
      const at = group.getBoundingClientRect(), room = this.area.getBoundingClientRect();
      Object.assign(this.tip.style, { left: `${at.left + at.width / 2 - room.left}px`, top: `${at.top - room.top}px` });
      this.tip.hidden = false;
    }
    state() {
      const off = { undo: !this.past.length, redo: !this.future.length, person: this.people.length >= MOST, unperson: this.people.length < 2 };
      for (const [act, is] of Object.entries(off)) this.bar.querySelector(`[data-act=${act}]`).disabled = is;
      this.bar.querySelector("[data-act=both]").setAttribute("aria-pressed", this.both);
      const out = this.people.flat().filter((joint) => joint && !(joint[0] >= 0 && joint[1] >= 0 && joint[0] <= this.width && joint[1] <= this.height)).length;
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
    shift(who, joint, dx, dy, alone) {
      const person = this.people[who], moved = alone ? [joint] : follow(joint);
      for (const at of moved) if (person[at]) { person[at][0] += dx; person[at][1] += dy; }
      if (!this.both || joint === OTHER[joint]) return;
      const others = alone ? [OTHER[joint]] : follow(OTHER[joint]);
      for (const at of others) if (person[at]) { person[at][0] -= dx; person[at][1] += dy; }
    }
    take(id) {
      const pose = this.ready_poses.find((one) => one.id === id);
      this.change(() => { this.people = placed(pose.people, [this.width, this.height]); });
      this.chosen = 0;
      this.build();
      for (const button of this.row.children) button.setAttribute("aria-pressed", button.dataset.pose === id);
    }
    act(name) {
      if (name === "undo") this.swap(this.past, this.future);
      if (name === "redo") this.swap(this.future, this.past);
      if (name === "both") { this.both = !this.both; this.state(); }
      if (name === "flip") this.change(() => { this.people = this.people.map((person) => OTHER.map((other) => person[other] && [this.width - person[other][0], person[other][1]])); });
      if (name === "person") this.change(() => { this.people.push(placed(this.ready_poses[0].people, [this.width, this.height])[0].map((joint) => [joint[0] + this.width * (0.12 * this.people.length), joint[1]])); this.chosen = this.people.length - 1; });
      if (name === "unperson") this.change(() => { this.people.splice(this.chosen, 1); this.chosen = 0; });
      if (["flip", "person", "unperson"].includes(name)) { this.build(); this.state(); }
      if (name === "use") this.use();
      if (name === "cancel") this.cancel();
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
      const kept = await window.studio.bring(await blob(paint(this.people, [this.width, this.height]), "image/png"));
      this.applied = now;
      this.options.done(kept.picture, this.people.map((person) => person.map((joint) => joint && joint.map((value) => Math.round(10 * value) / 10))));
    }
    async settled() {
      if (!this.past.length && !this.future.length) return;
      try { await this.apply(); } catch (error) { this.trouble(error.message); throw error; }
    }
    unmount() { // what was posed is kept, also where the easel is wanted for something else
      super.unmount();
      this.settled().catch((error) => kit.fire(this.host, "easel:failed", { text: error.message }));
    }

    // -- pointers and keys
    down(event) {
      const target = event.target.closest("[data-who]");
      if (!target || event.button || this.held) return; // one finger at a time: of two the first has the joint
      this.sheet.setPointerCapture(event.pointerId);
      const who = Number(target.dataset.who), joint = Number(target.dataset.joint ?? NECK);
      this.chosen = who;
      this.held = { who, joint, pointer: event.pointerId, x: event.clientX, y: event.clientY, was: clone(this.people) };
      if (target.classList.contains("pjoint")) target.focus({ preventScroll: true });
      event.preventDefault();
    }
    move(event) {
      if (event.pointerId !== this.held?.pointer) return;
      const { who, joint, was } = this.held;
      this.people = clone(was);
      this.shift(who, joint, (event.clientX - this.held.x) / this.scale, (event.clientY - this.held.y) / this.scale, event.altKey);
      this.lay();
      this.named(this.dots[who][joint]);
    }
    up(event) {
      if (event.pointerId !== this.held?.pointer) return;
      const { was } = this.held;
      this.held = null;
      if (JSON.stringify(was) !== JSON.stringify(this.people)) this.keep(was);
    }
    key(event) {
      const key = event.key.toLowerCase(), joint = event.target.closest?.(".pjoint");
      if ((event.ctrlKey || event.metaKey) && (key === "z" || key === "y")) { this.act(event.shiftKey || key === "y" ? "redo" : "undo"); return true; }
      if (event.ctrlKey || event.metaKey) return false;
      if (key === "m") { this.act("both"); return true; }
      return joint ? this.nudge(event, Number(joint.dataset.who), Number(joint.dataset.joint)) : false;
    }
    nudge(event, who, joint) {
      if (["Delete", "Backspace"].includes(event.key) && joint !== NECK) this.change(() => { this.people[who][joint] = null; });
      else {
        const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
        if (!by) return false;
        this.change(() => this.shift(who, joint, ...by.map((value) => value * (event.shiftKey ? 10 : 1)), event.altKey));
      }
      this.chosen = who;
      this.lay();
      this.named(this.dots[who][joint]);
      return true;
    }
  }

  easel.boards.pose = Posing;
  kit.posing = async (options, done) => window.studio.reference.onEasel("pose", { ...options, done });
  window.studio.poses = { paint, read };
})();
