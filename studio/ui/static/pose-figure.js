// A figure as OpenPose knows it: 18 joints (COCO order), 21 points of each hand, 70 of a face. Here it is one row of
// points, null where nothing is seen; kept it is its joints alone, or an object of its parts by name.
((easel) => {
  const { kit } = easel, { canvas } = kit;
  const JOINTS = 18, NOSE = 0, NECK = 1, WHOLE = -1; // WHOLE: not one point but all of them
  const HAND = 21, FACE = 70;
  const LIMBS = [[1, 2], [1, 5], [2, 3], [3, 4], [5, 6], [6, 7], [1, 8], [8, 9], [9, 10], [1, 11], [11, 12], [12, 13], [1, 0], [0, 14], [14, 16], [0, 15], [15, 17]];
  const FINGERS = Array.from({ length: 20 }, (_, at) => [at % 4 ? at : 0, at + 1]); // from the wrist to the tips
  // What hangs on which joint, or else on the next one; a hand turns with the bone that leads to its wrist.
  const LEFT = { name: "left_hand", from: JOINTS, count: HAND, by: [7, 6, 5, NECK], turns: true };
  const RIGHT = { name: "right_hand", from: JOINTS + HAND, count: HAND, by: [4, 3, 2, NECK], turns: true };
  const HEAD = { name: "face", from: JOINTS + 2 * HAND, count: FACE, by: [NOSE, NECK] };
  const HANDS = [LEFT, RIGHT], PARTS = [LEFT, RIGHT, HEAD];
  const ALL = HEAD.from + FACE;
  const DIM = 0.6; // how bright a limb is beside its joints
  const THICK = 4, AT = 512; // half a limb's width and a joint's radius, in pixels of a picture whose shorter side is this
  const FINGER = 0.25, FEATURE = 0.75; // half a finger's width and the radius of a face's dot, in shares of that
  const BLUE = [0, 0, 255], WHITE = [255, 255, 255];

  function wheel(share) { // the bright colour at a share of the way around
    const level = (turn) => { const at = (turn + 6 * share) % 6; return Math.round(255 * (1 - Math.max(0, Math.min(at, 4 - at, 1)))); };
    return [level(5), level(3), level(1)];
  }
  const COLOURS = Array.from({ length: JOINTS }, (_, at) => wheel(at / JOINTS));
  const TINTS = FINGERS.map((_, at) => wheel(at / FINGERS.length));
  const css = (colour, share = 1) => `rgb(${colour.map((part) => Math.floor(part * share)).join(",")})`;

  // -- the same point on the other side -----------------------------------------------------------------------------
  const swapped = (pairs, count) => { const row = [...Array(count).keys()]; for (const [one, other] of pairs) { row[one] = other; row[other] = one; } return row; };
  const across = (first, last) => Array.from({ length: Math.floor((last - first + 1) / 2) }, (_, at) => [first + at, last - at]);
  const FACING = swapped([
    ...across(0, 16), ...across(17, 26), ...across(31, 35), // jaw, brows, nostrils
    [36, 45], [37, 44], [38, 43], [39, 42], [40, 47], [41, 46], // eyes
    ...across(48, 54), ...across(55, 59), ...across(60, 64), [65, 67], [68, 69], // lips, pupils
  ], FACE);
  const BODY = [0, 1, 5, 6, 7, 2, 3, 4, 11, 12, 13, 8, 9, 10, 15, 14, 17, 16];
  const OTHER = [...BODY, ...Array.from({ length: HAND }, (_, at) => RIGHT.from + at), ...Array.from({ length: HAND }, (_, at) => LEFT.from + at), ...FACING.map((at) => HEAD.from + at)];

  // -- as it is kept --------------------------------------------------------------------------------------------------
  const ROW = [{ name: "joints", from: 0, count: JOINTS }, ...PARTS];
  function whole(kept) {
    if (kept.length === ALL) return clone([kept])[0];
    const said = Array.isArray(kept) ? { joints: kept } : kept;
    const row = ({ name, count }) => Array.from({ length: count }, (_, at) => said[name]?.[at] || null);
    return clone([ROW.flatMap(row)])[0];
  }
  const clone = (people) => people.map((person) => person.map((point) => point && [...point]));
  const part = (person, { from, count }) => person.slice(from, from + count);
  const has = (person, one) => part(person, one).some(Boolean);
  const rounded = (point) => point && point.map((value) => Math.round(10 * value) / 10);
  function told(person) {
    const parts = PARTS.filter((one) => has(person, one)), joints = person.slice(0, JOINTS).map(rounded);
    return parts.length ? { joints, ...Object.fromEntries(parts.map((one) => [one.name, part(person, one).map(rounded)])) } : joints;
  }
  const put = (person, { from, count }, points) => person.splice(from, count, ...(points || Array(count).fill(null)));

  // -- moving -----------------------------------------------------------------------------------------------------------
  const BEHIND = {};
  for (const [from, to] of [...LIMBS, ...HANDS.flatMap((hand) => FINGERS.map((ends) => ends.map((at) => hand.from + at)))]) (BEHIND[from] ||= []).push(to);
  const follow = (joint) => (joint === WHOLE ? [...Array(ALL).keys()] : [joint, ...(BEHIND[joint] || []).flatMap(follow)]);
  const angle = ([ax, ay], [bx, by]) => Math.atan2(by - ay, bx - ax);
  function turned([x, y], [cx, cy], by) {
    const [dx, dy, cos, sin] = [x - cx, y - cy, Math.cos(by), Math.sin(by)];
    return [cx + dx * cos - dy * sin, cy + dx * sin + dy * cos];
  }
  function carry(person, was) { // hands and face go where the joints went that they hang on
    for (const one of PARTS) {
      const at = one.by.find((joint) => person[joint] && was[joint]);
      if (at !== undefined) bring(person, one, was[at], person[at], turn(person, was, one, at));
    }
  }
  function turn(person, was, { by: [end, start], turns }, at) {
    const told = turns && at === end && person[start] && was[start];
    return told ? angle(person[start], person[end]) - angle(was[start], was[end]) : 0;
  }
  function bring(person, { from, count }, [ax, ay], [bx, by], turn) {
    if (!turn && ax === bx && ay === by) return;
    for (let at = from; at < from + count; at++) {
      if (!person[at]) continue;
      const [x, y] = turn ? turned(person[at], [ax, ay], turn) : person[at];
      person[at] = [x + bx - ax, y + by - ay];
    }
  }
  function shift(person, joint, [dx, dy], { alone = false, both = false } = {}) {
    const [was] = clone([person]), moved = (point) => (alone && point !== WHOLE ? [point] : follow(point));
    const go = (points, by) => { for (const at of points) if (person[at]) person[at] = [person[at][0] + by, person[at][1] + dy]; };
    go(moved(joint), dx);
    if (both && joint !== WHOLE && joint !== OTHER[joint]) go(moved(OTHER[joint]), -dx);
    if (!alone && joint < JOINTS && joint !== WHOLE) carry(person, was);
  }
  const flip = (person, width) => OTHER.map((other) => person[other] && [width - person[other][0], person[other][1]]);
  function scale(person, factor) { // around its own middle
    const seen = person.filter(Boolean), middle = [0, 1].map((axis) => { const all = seen.map((point) => point[axis]); return (Math.min(...all) + Math.max(...all)) / 2; });
    return person.map((point) => point && point.map((value, axis) => middle[axis] + (value - middle[axis]) * factor));
  }

  // -- a plain hand and a plain face --------------------------------------------------------------------------------------
  // A hand of length 1 that points to the right, its thumb below; made to lie at a wrist, along the forearm.
  const OPEN = [
    [0, 0], [0.12, 0.15], [0.26, 0.27], [0.39, 0.35], [0.51, 0.41], [0.46, 0.16], [0.66, 0.2], [0.79, 0.225], [0.9, 0.245],
    [0.48, 0.04], [0.71, 0.05], [0.86, 0.05], [1, 0.05], [0.46, -0.08], [0.66, -0.11], [0.8, -0.13], [0.92, -0.145],
    [0.42, -0.19], [0.56, -0.25], [0.66, -0.285], [0.76, -0.315],
  ];
  const PALM = 0.7; // how long a hand is beside its forearm
  const less = (one, other) => [one[0] - other[0], one[1] - other[1]], far = (one, other) => Math.hypot(...less(one, other));
  function openHand(person, { by: [wrist, elbow, shoulder] }) {
    const end = person[wrist], start = person[elbow] || person[shoulder] || person[NECK];
    const arm = end && start ? far(end, start) : 0;
    if (!arm) return null;
    const length = PALM * arm * (person[elbow] ? 1 : 0.5), along = less(end, start).map((value) => value / arm);
    const side = thumbward(along, person[NECK] ? less(person[NECK], end) : [0, 0], arm);
    return OPEN.map(([far, out]) => [0, 1].map((axis) => end[axis] + length * (far * along[axis] + out * side[axis])));
  }
  function thumbward([x, y], [inward, down], arm) { // towards the body or, where the arm points away from it, upwards
    return -y * inward + x * (down - arm / 2) < 0 ? [y, -x] : [-y, x];
  }
  // The right half of a face, by its point: between the pupils lies 1, and the middle between them is where it begins.
  const HALF = {
    0: [-1.15, -0.05], 1: [-1.13, 0.25], 2: [-1.09, 0.55], 3: [-1.02, 0.84], 4: [-0.9, 1.11], 5: [-0.72, 1.35], 6: [-0.5, 1.55], 7: [-0.25, 1.69], 8: [0, 1.73],
    17: [-0.88, -0.38], 18: [-0.73, -0.52], 19: [-0.54, -0.57], 20: [-0.35, -0.53], 21: [-0.18, -0.44],
    27: [0, -0.08], 28: [0, 0.15], 29: [0, 0.37], 30: [0, 0.6], 31: [-0.25, 0.72], 32: [-0.13, 0.77], 33: [0, 0.8],
    36: [-0.7, 0.02], 37: [-0.58, -0.09], 38: [-0.42, -0.09], 39: [-0.3, 0.03], 40: [-0.43, 0.08], 41: [-0.58, 0.08],
    48: [-0.48, 1.13], 49: [-0.3, 1.05], 50: [-0.11, 1.01], 51: [0, 1.04], 57: [0, 1.31], 58: [-0.12, 1.3], 59: [-0.31, 1.25],
    60: [-0.4, 1.13], 61: [-0.12, 1.1], 62: [0, 1.11], 66: [0, 1.17], 67: [-0.12, 1.16], 68: [-0.5, 0],
  };
  const NEUTRAL = FACING.map((other, at) => HALF[at] || [-HALF[other][0], HALF[other][1]]);
  const EARS = 2.4, EYE = 1.4, THROAT = 0.3, TIP = 0.6; // how far ears are apart; pupils by an eye or the neck; a nose below
  const EYES_AT = [14, 15], EARS_AT = [16, 17];
  const pair = (person, at) => at.map((joint) => person[joint]).filter(Boolean);
  const mean = (points) => [0, 1].map((axis) => points.reduce((sum, point) => sum + point[axis], 0) / points.length);
  function pupils(person) { // how far they are apart
    const eyes = pair(person, EYES_AT), ears = pair(person, EARS_AT), nose = person[NOSE];
    const seen = [eyes.length > 1 ? far(...eyes) : 0, ears.length > 1 ? far(...ears) / EARS : 0];
    if (seen.some(Boolean)) return Math.max(...seen);
    return (nose && eyes.length && EYE * far(nose, eyes[0])) || (nose && person[NECK] && THROAT * far(nose, person[NECK])) || 0;
  }
  function plainFace(person) {
    const apart = pupils(person), eyes = pair(person, EYES_AT), ears = pair(person, EARS_AT), nose = person[NOSE];
    if (!apart) return null;
    const level = [eyes, ears].find((two) => two.length > 1 && far(...two)), middle = eyes.length > 1 ? mean(eyes) : nose || mean(ears);
    const left = level ? less(level[1], level[0]).map((value) => value / far(...level)) : [1, 0];
    const down = downward(left, person[NECK] ? less(person[NECK], middle) : [0, 1]);
    const centre = middle === nose ? nose.map((value, axis) => value - TIP * apart * down[axis]) : middle;
    return NEUTRAL.map(([x, y]) => [0, 1].map((axis) => centre[axis] + apart * (x * left[axis] + y * down[axis])));
  }
  function downward([x, y], [dx, dy]) { // at right angles to the eyes, towards the neck
    return -y * dx + x * dy < 0 ? [y, -x] : [-y, x];
  }

  // -- a picture of figures ---------------------------------------------------------------------------------------------
  const thickness = ([width, height]) => (THICK * Math.min(width, height)) / AT;
  function paint(people, size) {
    const sheet = canvas(...size), ctx = sheet.getContext("2d"), unit = thickness(size);
    ctx.fillRect(0, 0, ...size);
    for (const person of people.map(whole)) {
      LIMBS.forEach(([from, to], at) => person[from] && person[to] && limb(ctx, person[from], person[to], unit, css(COLOURS[at], DIM)));
      person.slice(0, JOINTS).forEach((joint, at) => joint && dot(ctx, joint, unit, css(COLOURS[at])));
      for (const one of HANDS) hand(ctx, part(person, one), unit);
      for (const point of part(person, HEAD)) if (point) dot(ctx, point, FEATURE * unit, css(WHITE));
    }
    return sheet;
  }
  function limb(ctx, [ax, ay], [bx, by], unit, colour) {
    ctx.fillStyle = colour;
    ctx.beginPath();
    ctx.ellipse((ax + bx) / 2, (ay + by) / 2, Math.hypot(bx - ax, by - ay) / 2, Math.max(0.5, unit), Math.atan2(by - ay, bx - ax), 0, 2 * Math.PI);
    ctx.fill();
  }
  function dot(ctx, [x, y], radius, colour) {
    ctx.fillStyle = colour;
    ctx.beginPath();
    ctx.arc(x, y, Math.max(0.5, radius), 0, 2 * Math.PI);
    ctx.fill();
  }
  function hand(ctx, points, unit) {
    ctx.lineWidth = Math.max(1, 2 * FINGER * unit);
    FINGERS.forEach(([from, to], at) => {
      if (!points[from] || !points[to]) return;
      ctx.strokeStyle = css(TINTS[at]);
      ctx.beginPath();
      ctx.moveTo(...points[from]);
      ctx.lineTo(...points[to]);
      ctx.stroke();
    });
    for (const point of points) if (point) dot(ctx, point, unit, css(BLUE));
  }

  // -- figures out of a picture: their joints, since nobody can say of white and blue dots which is which -----------------
  function read(image) {
    const width = image.naturalWidth, height = image.naturalHeight;
    const sheet = canvas(width, height), ctx = sheet.getContext("2d", { willReadFrequently: true });
    ctx.drawImage(image, 0, 0);
    const { data } = ctx.getImageData(0, 0, width, height), unit = thickness([width, height]), near = 3 * unit;
    const limbed = ([x, y], colour) => alike(data, 4 * (Math.floor(y) * width + Math.floor(x)), colour.map((value) => value * DIM), 40);
    // A finger's bone may have the colour of a neck, and is thinner.
    const dots = COLOURS.map((colour, at) => spots(data, width, colour, near, at === NECK ? Math.floor(unit / 2) : 0));
    return dots[NECK].map((neck) => figure(neck, dots, limbed, 2 * near)).filter((person) => person.filter(Boolean).length > 4);
  }
  const MANY = 6; // of four figures no more than four joints have the colour of a hand's dots
  function detailed(image) { // whether a picture of figures shows more than joints
    const sheet = canvas(image.naturalWidth, image.naturalHeight), ctx = sheet.getContext("2d", { willReadFrequently: true });
    ctx.drawImage(image, 0, 0);
    const { data } = ctx.getImageData(0, 0, sheet.width, sheet.height), near = 2 * thickness([sheet.width, sheet.height]);
    return [WHITE, BLUE].some((colour) => spots(data, sheet.width, colour, near, 0).length > MANY);
  }
  const alike = (data, at, colour, slack) => [0, 1, 2].every((part) => Math.abs(data[at + part] - colour[part]) <= slack);
  function spots(data, width, colour, near, within) {
    const found = [], around = [4 * within, -4 * within, 4 * within * width, -4 * within * width];
    const inside = (at) => alike(data, at, colour, 24) && (!within || around.every((by) => alike(data, at + by, colour, 24)));
    for (let at = 0; at < data.length; at += 4) {
      if (!inside(at)) continue;
      const x = (at / 4) % width, y = Math.floor(at / 4 / width);
      const spot = found.find((one) => Math.hypot(one.x / one.n - x, one.y / one.n - y) < near);
      if (spot) { spot.x += x; spot.y += y; spot.n += 1; } else found.push({ x, y, n: 1 });
    }
    return found.filter((spot) => spot.n > (within ? 0 : 3)).map((spot) => [spot.x / spot.n + 0.5, spot.y / spot.n + 0.5]);
  }
  const between = (from, to, share) => [0, 1].map((axis) => from[axis] * (1 - share) + to[axis] * share);
  function figure(neck, dots, limbed, near) {
    const person = Array(JOINTS).fill(null);
    person[NECK] = neck;
    LIMBS.forEach(([from, to], at) => {
      if (!person[from]) return;
      const seen = (joint) => [0.3, 0.4, 0.5, 0.6, 0.7].filter((share) => limbed(between(person[from], joint, share), COLOURS[at])).length;
      // Joints of a face lie so close that their dots hide what is between them.
      const close = (joint) => (far(joint, person[from]) < near ? 2 : 0);
      const [best] = dots[to].map((joint) => [seen(joint) + close(joint), joint]).sort((one, other) => other[0] - one[0]);
      if (best && (best[0] > 1 || dots[NECK].length === 1)) person[to] = best[1];
    });
    return person;
  }

  // -- what a point is called ---------------------------------------------------------------------------------------------
  const DIGITS = ["thumb", "index", "middle", "ring", "little"];
  const FEATURES = [[17, "jaw"], [22, "right_brow"], [27, "left_brow"], [36, "nose"], [42, "right_eye"], [48, "left_eye"], [68, "mouth"], [69, "right_pupil"], [70, "left_pupil"]];
  function called(joint) { // a key of the easel's words, and what stands in its places
    if (joint < JOINTS) return [`joint_${joint}`];
    if (joint >= HEAD.from) return featured(joint - HEAD.from);
    const side = joint < RIGHT.from ? "left" : "right", at = joint - (side === "left" ? LEFT : RIGHT).from;
    return at ? [`${side}_${DIGITS[Math.floor((at - 1) / 4)]}`, { n: ((at - 1) % 4) + 1 }] : [`${side}_palm`];
  }
  function featured(at) {
    const which = FEATURES.findIndex(([end]) => at < end), [start] = FEATURES[which - 1] || [0];
    return [`face_${FEATURES[which][1]}`, { n: at - start + 1 }];
  }

  kit.figures = {
    JOINTS, NECK, WHOLE, LIMBS, FINGERS, HANDS, PARTS, HEAD, LEFT, RIGHT, COLOURS, TINTS, BLUE, WHITE, DIM, FINGER, FEATURE,
    css, thickness, whole, told, has, put, clone, follow, shift, flip, scale, openHand, plainFace, paint, read, detailed, called,
  };
  window.studio.poses = kit.figures;
})(window.studio.easel);
