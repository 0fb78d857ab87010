// A coloured map is corrected: with the colours that it has, with one from under the pointer, or with any other. One of
// shades is also begun: from black, with all of them.
((easel) => {
  const { boards, words, kit } = easel, { Sketching, Colours, FAINT, LETTERS } = kit;
  const { make, speak, canvas, picture, frequent, grid, stripes, hex, distance } = kit;
  const MOST = 12, MOST_NAMED = 24, APART = 28; // swatches; how unlike colours without names must be to have one each
  const NEAR = 24; // a named colour that a lossy file changed is still meant
  const CELL = 0.4, PEN = 0.05; // of a pen in a cell's side, or in the map's shorter one
  const grey = (level) => [level, level, level], SHADES = [255, 224, 192, 160, 128, 96, 64, 32, 0].map(grey);
  const HINTS = { grid: "recolour_grid", stripes: "recolour_stripes" };

  // -- what colours are called ----------------------------------------------------------------------------------------
  let asked = null;
  function regions() { // without them colours have no names, and that is all
    return (asked ||= fetch("regions").then((answer) => answer.json()).then(taught).catch(() => { asked = null; return []; }));
  }
  function taught(list) {
    words(Object.fromEntries(list.map(({ id, title: [en, zh] }) => [`region_${id}`, { en, zh }])));
    return list;
  }

  class Pipette {
    constructor(board) { this.board = board; }
    move(event) { this.board.pick(this.board.view.point(event)); }
    end() { this.board.picked(); }
    outline() {}
  }

  class Colouring extends Sketching {
    constructor(host, options) {
      super(host, options);
      Object.assign(this, { faint: false, named: [], resumed: "brush" });
      this.bar.querySelector("[data-act=eraser] [data-say]").dataset.say = "uncover";
      this.bar.querySelector("[data-act=clear] [data-say]").dataset.say = "take_back";
      this.tray = make("div", { className: "etray" });
      this.bar.after(this.tray);
      this.state();
    }
    sheet() { return new Colours(this.width, this.height, this.options.pen.flat); }
    get letters() { return { ...LETTERS, i: "pipette" }; }
    get wholes() { return ["clear"]; }
    get smallest() { return this.options.pen.flat ? 2 : 1; } // a smaller one could cover no pixel
    get lead() { return this.options.pen.hint || HINTS[this.paper.cells && this.options.pen.cells] || "recolour"; }
    get first() {
      const { cells } = this.paper;
      return this.options.pen.cells === "grid" && cells ? CELL * cells.side : PEN * Math.min(this.width, this.height);
    }

    async load() {
      const { pen } = this.options;
      this.named = pen.named ? await regions() : [];
      await super.load();
      await this.begun();
      this.laid();
      this.furnishTray();
      this.sized(this.first);
      if (this.paper.empty) this.hint(this.lead); else this.quiet();
      this.state();
      this.show();
    }
    async begun() { // on black; or a map that was corrected before: the eraser brings back what it was before that
      const { detected, mask } = this.options;
      if (!mask) this.paper.take(this.black());
      if (!detected || detected === mask) return;
      try { this.paper.from(await picture(detected)); } catch (error) { /* it is gone: back goes as far as today */ }
    }
    black() {
      const sheet = canvas(this.width, this.height);
      sheet.getContext("2d").fillRect(0, 0, this.width, this.height);
      return sheet;
    }
    laid() {
      const { cells, count } = this.options.pen, { paper, width, height } = this;
      if (cells) paper.cells = cells === "grid" ? grid(paper.all, width, height, count) : stripes(paper.all, width, height);
    }

    // -- colours to choose from
    furnishTray() {
      const found = this.options.pen.shades ? SHADES.map((colour) => ({ colour })) : this.frequent();
      this.swatches = make("div", { className: "eswatches" }, found.map((one) => this.swatch(one)), { name: "swatches" });
      this.swatches.setAttribute("role", "radiogroup");
      this.now = this.named.length ? this.names() : this.anything();
      this.tray.replaceChildren(this.now, this.swatches);
      this.tray.addEventListener("click", (event) => this.swatched(event));
      speak(this.tray);
      this.wet(found[0].colour);
    }
    frequent() {
      const apart = this.named.length || this.options.pen.cells === "stripes" ? 0 : APART;
      return frequent(this.paper.all, this.named.length ? MOST_NAMED : MOST, apart);
    }
    swatch({ colour, share }) {
      const n = Math.max(1, Math.round(100 * share)), name = this.nameOf(colour), code = hex(colour);
      const told = make("span", {}, [], { say: "share", values: JSON.stringify({ n }) });
      const tip = make("span", { className: "tip" }, share === undefined ? [code] : [`${code} · `, told]);
      const inner = name ? [make("span", {}, [], { say: name }), make("span", { className: "sr" }, [told])] : [tip];
      const button = make("button", { type: "button", className: name ? "eswatch named" : "eswatch" }, [this.square(colour), ...inner], { colour: code });
      button.setAttribute("role", "radio");
      return button;
    }
    square(colour) { return make("i", { className: "esquare", style: `background:${hex(colour)}`, ariaHidden: "true" }); }
    names() { // all that there are, and which one is meant now
      const option = ({ id, colour }) => make("option", { value: hex(colour) }, [], { say: `region_${id}` });
      const sorted = this.named.map(option);
      sorted.forEach(speak);
      sorted.sort((one, other) => one.textContent.localeCompare(other.textContent, document.documentElement.dataset.lang));
      const select = make("select", {}, [make("option", { value: "", disabled: true }, [], { say: "any_region" }), ...sorted], { name: "regions" });
      select.addEventListener("change", () => this.mean(this.named.find(({ colour }) => hex(colour) === select.value).colour));
      return make("div", { className: "enow" }, [this.square([0, 0, 0]), select]);
    }
    anything() {
      const code = make("output", { className: "num" }), { free, shades } = this.options.pen;
      if (shades) return make("label", { className: "enow" }, [this.square([0, 0, 0]), this.shade(), code]);
      if (!free) return make("div", { className: "enow" }, [this.square([0, 0, 0]), code]);
      const input = make("input", { type: "color" }, [], { name: "any_colour" });
      input.addEventListener("input", () => this.mean(input.value.match(/\w\w/g).map((part) => parseInt(part, 16))));
      return make("label", { className: "enow" }, [input, code]);
    }
    shade() {
      const input = make("input", { type: "range", min: 0, max: 255 }, [], { name: "shade" });
      input.addEventListener("input", () => this.mean(grey(Number(input.value))));
      return input;
    }
    regionOf(colour, slack = 0) {
      const [nearest] = this.named.map((one) => [distance(one.colour, colour), one]).sort(([one], [other]) => one - other);
      return nearest && nearest[0] <= slack ? nearest[1] : null;
    }
    nameOf(colour) { const region = this.regionOf(colour); return region && `region_${region.id}`; }

    // -- the one that is chosen
    swatched(event) {
      const button = event.target.closest(".eswatch");
      if (button) this.mean(button.dataset.colour.match(/\w\w/g).map((part) => parseInt(part, 16)));
    }
    mean(colour) { // whoever chooses a colour wants to paint with it
      this.wet(colour);
      this.picked();
    }
    wet(colour) {
      const code = hex(colour), every = [...this.swatches.children], on = every.find((one) => one.dataset.colour === code);
      this.paper.colour = colour;
      for (const one of every) {
        one.setAttribute("aria-checked", one === on);
        one.tabIndex = one === (on || every[0]) ? 0 : -1;
      }
      for (const field of this.now.querySelectorAll("input, select")) field.value = field.type === "range" ? colour[0] : code;
      for (const square of this.now.querySelectorAll(".esquare")) square.style.background = code;
      for (const output of this.now.querySelectorAll("output")) output.textContent = code;
      const select = this.now.querySelector("select");
      if (select && select.selectedIndex < 0) select.value = "";
    }
    pick(point) {
      const colour = this.paper.at(...point);
      if (colour) this.wet(this.regionOf(colour, NEAR)?.colour || colour);
    }
    picked() {
      if (this.tool === "pipette") this.choose(this.resumed);
      if (this.tool === "eraser") this.choose("brush");
    }

    // -- pointers and keys
    begin(event) {
      const picks = (this.tool === "pipette" || event.altKey) && event.button !== 1 && !this.panning;
      return picks ? new Pipette(this) : super.begin(event);
    }
    choose(name) {
      if (name === "pipette" && this.tool !== "pipette") this.resumed = this.tool === "eraser" ? "brush" : this.tool;
      super.choose(name);
    }
    key(event) {
      const swatch = event.target.closest?.(".eswatch"), by = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
      if (!swatch || !by) return super.key(event);
      const every = [...this.swatches.children], next = every[(every.indexOf(swatch) + by + every.length) % every.length];
      next.click();
      next.focus();
      return true;
    }

    // -- showing
    ink(ctx, whole) {
      if (this.options.pen.flat && this.view.scale >= 1) ctx.imageSmoothingEnabled = false;
      ctx.globalAlpha = this.faint ? 1 - FAINT : 1;
      ctx.drawImage(this.paper.canvas, ...whole);
      ctx.globalAlpha = 1;
      if (this.paper.cells) this.ruled(ctx, whole, this.paper.cells);
    }
    ruled(ctx, [x, y, width, height], { columns, rows }) { // dark beside light: seen on every colour
      const across = width / this.width, down = height / this.height;
      for (const [style, off] of [["rgba(20,16,12,.4)", 0], ["rgba(255,255,255,.35)", 1]]) {
        ctx.fillStyle = style;
        for (const column of columns.slice(1, -1)) ctx.fillRect(Math.round(x + column * across) + off, y, 1, height);
        for (const row of rows.slice(1, -1)) ctx.fillRect(x, Math.round(y + row * down) + off, width, 1);
      }
    }
  }

  boards.colours = Colouring;
})(window.studio.easel);
