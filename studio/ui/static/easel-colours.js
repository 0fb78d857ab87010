// A sheet of colours: a map that stays what it is while it is corrected. Where colours are names none is mixed, and
// where a map is made of cells whole cells are filled.
((easel) => {
  const { kit } = easel, { Paper, canvas, clamp, same } = kit;
  const STEPS = 6; // changes of a whole photo that memory has room for
  const HALF = 127; // of a pixel must be covered, or it keeps its colour
  const pixels = ({ data }) => new Uint32Array(data.buffer);
  const levels = (pixel) => [pixel & 255, (pixel >> 8) & 255, (pixel >> 16) & 255];
  const pixel = ([red, green, blue]) => ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
  const hex = (colour) => `#${colour.map((level) => level.toString(16).padStart(2, "0")).join("")}`;

  // -- which colours a map is made of -------------------------------------------------------------------------------
  const SAMPLE = 4e5; // pixels of a photo that tell enough of its colours
  const distance = (one, other) => Math.hypot(...one.map((level, at) => level - other[at]));
  function counted(all, step) {
    const counts = new Map();
    for (let at = 0, run = 1; at < all.length; at += step, run++) { // neighbours are often alike
      if (all[at + step] === all[at]) continue;
      counts.set(all[at], (counts.get(all[at]) || 0) + run);
      run = 0;
    }
    return [...counts].sort(([, one], [, other]) => other - one);
  }
  function families(counts) { // shades of one colour, told by the one that is there most often
    const found = new Map();
    for (const [value, count] of counts) {
      const key = value & 0xf0f0f0, had = found.get(key);
      if (had) had[1] += count; else found.set(key, [value, count]);
    }
    return [...found.values()].sort(([, one], [, other]) => other - one);
  }
  // The most frequent colours, those that fill most first, and how much of the map each fills.
  function frequent(all, most, apart) {
    const counts = counted(all, apart ? Math.ceil(all.length / SAMPLE) | 1 : 1), found = [];
    const whole = counts.reduce((sum, [, count]) => sum + count, 0);
    for (const [value, count] of apart ? families(counts) : counts) {
      if (found.length === most) break;
      const colour = levels(value);
      if (found.every((one) => distance(one.colour, colour) >= apart)) found.push({ colour, share: count / whole });
    }
    return found;
  }

  // -- which cells a map is made of ---------------------------------------------------------------------------------
  const MOST_CELLS = 64; // along the shorter side
  function seams(all, width, height) { // where a column, or a row, differs from the one before
    const columns = new Uint8Array(width), rows = new Uint8Array(height);
    for (let y = 0, at = 0; y < height; y++)
      for (let x = 0; x < width; x++, at++) {
        if (x && all[at] !== all[at - 1]) columns[x] = 1;
        if (y && all[at] !== all[at - width]) rows[y] = 1;
      }
    return [columns, rows];
  }
  const sum = (flags) => flags.reduce((total, flag) => total + flag, 0);
  // The edges of so many cells, as a small picture is made larger; null where the map has seams elsewhere.
  function edges(count, flags) {
    const total = flags.length, found = [0];
    for (let cell = 1; cell < count; cell++) {
      const edge = Math.ceil(cell * total / count - 0.5);
      found.push([edge, edge - 1, edge + 1].find((one) => flags[one]) ?? edge); // whoever rounds otherwise
    }
    return found.filter((edge) => flags[edge]).length === sum(flags) ? [...found, total] : null;
  }
  const halfToEven = (value) => { const up = Math.round(value); return up - value === 0.5 && up % 2 ? up - 1 : up; };
  function along(count, width, height) {
    const cell = Math.min(width, height) / count;
    return [width, height].map((side) => Math.max(1, halfToEven(side / cell)));
  }
  function grid(all, width, height, likely) {
    const flags = seams(all, width, height), every = [...Array(MOST_CELLS).keys()].map((at) => at + 1);
    for (const count of [likely, ...every]) {
      const [columns, rows] = along(count, width, height).map((many, at) => edges(many, flags[at]));
      if (columns && rows) return new Cells(columns, rows);
    }
    return new Cells(...along(likely, width, height).map((many, at) => edges(many, new Uint8Array([width, height][at]))));
  }
  function stripes(all, width, height) {
    const [columns, rows] = seams(all, width, height);
    const found = [0, ...columns.keys(), width].filter((x, at, list) => !at || at === list.length - 1 || columns[x]);
    return sum(rows) ? null : new Cells(found, [0, height]);
  }

  class Cells {
    constructor(columns, rows) { Object.assign(this, { columns, rows }); }
    get side() { return Math.min(this.columns[1], this.rows[1]); }
    *under([left, top, right, bottom]) {
      const { columns, rows } = this, meets = (list, at, from, to) => at + 1 < list.length && list[at] < to && list[at + 1] > from;
      for (let row = 0; row + 1 < rows.length; row++)
        for (let column = 0; column + 1 < columns.length; column++)
          if (meets(rows, row, top, bottom) && meets(columns, column, left, right))
            yield [columns[column], rows[row], columns[column + 1], rows[row + 1]];
    }
  }

  // -- the sheet ----------------------------------------------------------------------------------------------------
  class Colours extends Paper {
    constructor(width, height, flat) {
      super(width, height);
      Object.assign(this, { flat, cells: null, first: this.kept, colour: [0, 0, 0], pen: null });
    }
    bare() { return new Uint32Array(); }
    pack(image) { // as runs of one colour; where those would be longer, as it is
      const all = pixels(image), runs = [];
      for (let at = 0, end = 0; at < all.length; at = end) {
        while (end < all.length && all[end] === all[at]) end++;
        runs.push(all[at], end - at);
        if (runs.length >= all.length) return all.slice();
      }
      return Uint32Array.from(runs);
    }
    unpack(packed, width, height) {
      const image = new ImageData(width, height), all = pixels(image);
      if (packed.length === all.length) all.set(packed);
      else for (let pair = 0, at = 0; pair < packed.length; at += packed[pair + 1], pair += 2) all.fill(packed[pair], at, at + packed[pair + 1]);
      return image;
    }
    seen(at) { // what is as it was is the same thing: so it is told at once
      const now = super.seen(at);
      return same(now, this.first[at]) ? this.first[at] : now;
    }
    get steps() { return STEPS; }
    get empty() { return this.kept.every((packed, at) => same(packed, this.first[at])); }
    get all() { return pixels(this.ctx.getImageData(0, 0, this.width, this.height)); }

    take(image) {
      this.ctx.imageSmoothingEnabled = false;
      this.ctx.drawImage(image, 0, 0, this.width, this.height);
      this.from(image);
    }
    from(image) { // what the eraser brings back
      this.base = canvas(this.width, this.height).getContext("2d", { willReadFrequently: true });
      this.base.imageSmoothingEnabled = false;
      this.base.drawImage(image, 0, 0, this.width, this.height);
      this.first = this.squares.map((at) => this.pack(this.base.getImageData(...this.place(at))));
      this.kept = this.squares.map((at) => this.seen(at));
    }
    at(x, y) {
      const inside = x >= 0 && y >= 0 && x < this.width && y < this.height;
      return inside ? levels(pixels(this.ctx.getImageData(Math.floor(x), Math.floor(y), 1, 1))[0]) : null;
    }
    clear() {
      this.touch([0, 0, this.width, this.height]);
      this.ctx.drawImage(this.base.canvas, 0, 0);
      return this.commit();
    }

    draw(how, box, paint) {
      const away = how === "destination-out", [x, y, right, bottom] = this.within(box);
      if (right <= x || bottom <= y) return box;
      if (!this.flat) return this.soft(away, box, paint);
      const shape = this.shape([x, y, right - x, bottom - y], paint);
      return this.cells ? this.fill(away, [x, y, right, bottom], shape) : this.stamp(away, [x, y, right, bottom], shape);
    }
    within([left, top, right, bottom]) {
      return [Math.floor(left), Math.floor(top), Math.ceil(right), Math.ceil(bottom)].map((value, at) => clamp(value, 0, at % 2 ? this.height : this.width));
    }
    soft(away, box, paint) {
      const style = away ? this.ctx.createPattern(this.base.canvas, "no-repeat") : hex(this.colour);
      Object.assign(this.ctx, { fillStyle: style, strokeStyle: style });
      return super.draw("source-over", box, paint);
    }
    shape([x, y, width, height], paint) { // which pixels are meant, and how much of each
      const { pen } = this, has = (side) => pen?.canvas[side] || 0;
      if (has("width") < width || has("height") < height)
        this.pen = canvas(Math.max(width, has("width")), Math.max(height, has("height"))).getContext("2d", { willReadFrequently: true });
      Object.assign(this.pen, { lineCap: "round", lineJoin: "round" });
      this.pen.setTransform(1, 0, 0, 1, 0, 0);
      this.pen.clearRect(0, 0, width, height);
      this.pen.translate(-x, -y);
      paint(this.pen);
      return this.pen.getImageData(0, 0, width, height);
    }
    stamp(away, [x, y, right, bottom], shape) {
      const place = [x, y, right - x, bottom - y], image = this.ctx.getImageData(...place), all = pixels(image);
      const base = away && pixels(this.base.getImageData(...place)), mine = pixel(this.colour);
      this.touch([x, y, right, bottom]);
      for (let at = 0; at < all.length; at++) if (shape.data[4 * at + 3] > HALF) all[at] = base ? base[at] : mine;
      this.ctx.putImageData(image, x, y);
      return [x, y, right, bottom];
    }
    fill(away, box, shape) {
      const [left, top] = box, { width, data } = shape;
      const covered = ([x, y, right, bottom]) => {
        for (let row = Math.max(y, top); row < Math.min(bottom, box[3]); row++)
          for (let column = Math.max(x, left); column < Math.min(right, box[2]); column++)
            if (data[4 * ((row - top) * width + column - left) + 3] > HALF) return true;
        return false;
      };
      const cells = [...this.cells.under(box)].filter(covered);
      for (const cell of cells) this.cell(away, cell);
      return kit.around([[box[0], box[1]], [box[2], box[3]], ...cells.flatMap(([a, b, c, d]) => [[a, b], [c, d]])], 0);
    }
    cell(away, [x, y, right, bottom]) {
      const place = [x, y, right - x, bottom - y];
      this.touch([x, y, right, bottom]);
      this.ctx.fillStyle = hex(this.colour);
      if (away) this.ctx.drawImage(this.base.canvas, ...place, ...place); else this.ctx.fillRect(...place);
    }
  }

  Object.assign(kit, { Colours, frequent, grid, stripes, hex, distance });
})(window.studio.easel);
