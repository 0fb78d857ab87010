// Where the picture lies under the eyes, and what a hand does to it with a pointer.
((easel) => {
  const { kit } = easel, { clamp } = kit;

  // -- where the picture lies under the eyes ----------------------------------------------------------------------
  const ROOM = 16;
  const LINE = 24; // pixels of a line, in which some wheels count
  const middle = ([ax, ay], [bx, by]) => [(ax + bx) / 2, (ay + by) / 2];

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
    spread(fingers) { // where two fingers are, and how far from each other
      const [a, b] = [...fingers.values()];
      return { middle: middle(a, b), apart: Math.max(1, Math.hypot(a[0] - b[0], a[1] - b[1])) };
    }
    pinch(was, fingers) { // answers where the fingers are now
      const now = this.spread(fingers);
      this.pan(now.middle[0] - was.middle[0], now.middle[1] - was.middle[1]);
      this.zoom(now.apart / was.apart, now.middle);
      return now;
    }
    wheel(event) { // answers whether it was meant for the picture
      const zooms = event.ctrlKey || event.metaKey, unit = event.deltaMode ? LINE : 1;
      if (!zooms && this.scale <= this.fitting * 1.01) return false; // nothing to move: the page may scroll
      event.preventDefault();
      if (zooms) this.zoom(Math.exp(-clamp(event.deltaY * unit, -100, 100) / 250), this.here(event));
      else this.pan(-event.deltaX * unit, -event.deltaY * unit);
      return true;
    }
  }

  // -- what a pointer does while it is down -----------------------------------------------------------------------
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
      this.easel.show(this.easel.paper.draw(this.how, box, (ctx) => { ctx.lineWidth = width; ctx.beginPath(); paint(ctx); }));
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

  Object.assign(kit, { View, Stroke, Rectangle, Lasso, Hand, around });
})(window.studio.easel);
