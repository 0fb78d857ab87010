// What is painted on, at the picture's own size, with a way back; and how it is kept.
((easel) => {
  const { say, kit } = easel, { canvas, blob, clamp, fire, post } = kit;

  // -- a sheet at the picture's own size; what came before is kept as the squares that changed ---------------------
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

  function bare([, , width, height]) {
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
  const same = (a, b) => a === b || (a.length === b.length && a.every((value, at) => value === b[at]));
  const weight = (step) => [...step.values()].reduce((sum, packed) => sum + packed.byteLength, 0);

  class Paper { // of a mask: how much of it is painted, and no colours
    constructor(width, height) {
      Object.assign(this, { width, height, across: Math.ceil(width / SIDE), down: Math.ceil(height / SIDE) });
      this.canvas = canvas(width, height);
      // Read back after every stroke: on a graphics card that would be slow.
      this.ctx = this.canvas.getContext("2d", { willReadFrequently: true });
      Object.assign(this.ctx, { fillStyle: "#fff", strokeStyle: "#fff", lineCap: "round", lineJoin: "round" });
      this.kept = this.squares.map((at) => this.bare(this.place(at)));
      Object.assign(this, { touched: new Set(), done: [], undone: [] });
    }
    get squares() { return [...Array(this.across * this.down).keys()]; }
    get empty() { return this.kept.every((packed) => packed.every((value, at) => at % 2 || value === 0)); }

    place(at) {
      const x = (at % this.across) * SIDE, y = Math.floor(at / this.across) * SIDE;
      return [x, y, Math.min(SIDE, this.width - x), Math.min(SIDE, this.height - y)];
    }
    bare(place) { return bare(place); }
    pack(image) { return pack(image); }
    unpack(packed, width, height) { return unpack(packed, width, height); }
    get steps() { return STEPS; } // as many can always be taken back
    read(at) { return this.ctx.getImageData(...this.place(at)); }
    seen(at) { return this.pack(this.read(at)); }
    write(at, packed) {
      const [x, y, width, height] = this.place(at);
      this.ctx.putImageData(this.unpack(packed, width, height), x, y);
    }

    take(image) {
      this.ctx.drawImage(image, 0, 0, this.width, this.height);
      for (const at of this.squares) {
        const [x, y] = this.place(at), grey = this.read(at), { data } = grey;
        for (let i = 0; i < data.length; i += 4) { data[i + 3] = data[i]; data[i] = data[i + 1] = data[i + 2] = 255; }
        this.ctx.putImageData(grey, x, y);
        this.kept[at] = this.pack(grey);
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
      return box;
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
        const now = this.seen(at);
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
      while (this.done.length > MOST_STEPS || (this.done.length > this.steps && heavy > MEMORY)) heavy -= weight(this.done.shift());
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
  const PAUSE = 350;

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

  Object.assign(kit, { Paper, Keeper, same });
})(window.studio.easel);
