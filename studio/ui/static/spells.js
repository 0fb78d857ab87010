// What the spellbook does with a prompt, as text: no page, no server, so that a click answers at once.
//
// A document is a list of parts: strings that a person typed, and pieces. A piece is a spell that was put in by a
// click, or a typed one that a click has changed since; such a one keeps what was typed (`was`), with the commas
// that go with it (`lead`, `trail`), and stays as a ghost (`gone`) where it was taken out. So whatever was typed can
// always be had back to the byte.
(window.studio ||= {}).spells = (() => {
  const LEAST = 0.5, MOST = 1.6, STEP = 0.05, EMPHASIS = 1.1;

  // -- the book, made ready to look things up -------------------------------------------------------------------
  const PARTS = ["formula", "character", "negative"];
  const EN = 0, ZH = 1, NAME = 2, PINYIN = 3, ALIASES = 4; // places of a spell's row

  const same = (text) => text.toLowerCase().replace(/\s+/g, " ").trim();
  const fold = (text) => text.toLowerCase().normalize("NFKD").replace(/[^\p{L}\p{N}]/gu, "");

  function index(book) {
    const spells = [];
    for (const [place, chapter] of book.chapters.entries())
      for (const group of chapter.groups)
        for (const row of group.spells) spells.push(entry(row, chapter, group, place, spells.length));
    return lookedUp({ book, spells, shipped: spells });
  }
  function lookedUp(known) {
    return Object.assign(known, { byKey: new Map(known.spells.map((spell) => [spell.key, spell])), phrases: phrases(known.spells) });
  }

  // The phrases of one's own spells, beside those of the book; what the book has already is not told twice.
  function withOwn(known, texts) {
    known.spells = known.shipped;
    lookedUp(known);
    const fresh = new Map(texts.filter(([text]) => !known.phrases.has(same(text))).map((row) => [same(row[0]), row]));
    const entries = [...fresh.values()].map(([text, other, name], at) => ownEntry(text, other, name, known.shipped.length + at));
    if (entries.length) { known.spells = [...known.shipped, ...entries]; lookedUp(known); }
    return known;
  }
  const ownEntry = (en, zh, name, at) => ({
    at, own: true, key: en, en, zh, name, pinyin: "", initials: "", aliases: [], chapter: "~mine", group: "", part: "formula", element: "none", rank: Infinity, one: false,
  });

  const initials = (pinyin) => pinyin.split(" ").map((syllable) => syllable[0] || "").join("");
  function entry(row, chapter, group, place, at) {
    const element = window.studio.phrases.STANDS_FOR[chapter.element] || chapter.element;
    return {
      at, element, rank: rankOf(element, place), initials: initials(row[PINYIN]), key: row[EN], en: row[EN], zh: row[ZH], name: row[NAME], pinyin: row[PINYIN],
      aliases: row.slice(ALIASES), chapter: chapter.id, group: group.id, part: chapter.part, one: Boolean(group.one),
    };
  }
  function rankOf(element, place) { // the formula's order; what is no part of it stands last
    const all = window.studio.phrases.ELEMENTS, at = all.indexOf(element);
    return (at < 0 ? all.length : at) * 1000 + place;
  }

  function phrases(spells) { // a spell's own texts outweigh the names and aliases of others
    const known = new Map();
    const put = (text, spell) => { const key = same(text); if (key && !known.has(key)) known.set(key, spell); };
    for (const spell of spells) { put(spell.en, spell); put(spell.zh, spell); }
    for (const spell of spells) put(spell.name, spell);
    for (const spell of spells) for (const alias of spell.aliases) put(alias, spell);
    return known;
  }

  // -- reading ----------------------------------------------------------------------------------------------------
  // Read as studio.prompt reads it: the same brackets find each other, the same escapes are text.
  const NUMBER = String.raw`[+-]?(?:\d+(?:\.\d*)?|\.\d+)`;
  const TOKENS = new RegExp([
    String.raw`(?<escape>\\(?:[\\()\[\]（）<]|BREAK(?![A-Za-z0-9_])))`,
    String.raw`(?<tag><(?:[lL][oO][rR][aA]|[lL][yY][cC][oO]|[hH][yY][pP][eE][rR][nN][eE][tT]):[^<>:]+(?::[^<>:]*)*>)`,
    String.raw`(?<weighed>[:：]\s*(?<weight>${NUMBER})\s*[)）])`,
    String.raw`(?<round>[(（])|(?<unround>[)）])|(?<square>\[)|(?<unsquare>\])`,
    String.raw`(?<mark>[,，、;；\n]|(?<![A-Za-z0-9_])BREAK(?![A-Za-z0-9_]))`,
    String.raw`(?<text>[^\\()（）\[\],，、;；\n:：<B]+|[\s\S])`,
  ].join("|"), "g");
  const COMMA_BEFORE = /[,，、;；]\s*$/, COMMA_AFTER = /^\s*[,，、;；]\s*/;
  const BLEND = /["“”]\s*[)）]\s*\.blend\s*[(（]/;
  const isBlend = (text) => BLEND.test(text);
  const OPEN = { round: true, square: true }, CLOSE = { weighed: "round", unround: "round", unsquare: "square" };

  function atoms(text) {
    const found = [];
    for (const match of text.matchAll(TOKENS)) {
      const groups = match.groups;
      const kind = Object.keys(groups).find((name) => name !== "weight" && groups[name] !== undefined);
      found.push({ kind, from: match.index, to: match.index + match[0].length, number: Number(groups.weight ?? EMPHASIS), partner: -1 });
    }
    pair(found);
    return found;
  }

  function pair(found) {
    const open = [], count = { round: 0, square: 0 };
    found.forEach((atom, at) => {
      if (OPEN[atom.kind]) { open.push(at); count[atom.kind] += 1; return; }
      const wanted = CLOSE[atom.kind];
      if (!wanted || !count[wanted]) return;
      for (;;) {
        const top = open.pop();
        count[found[top].kind] -= 1;
        if (found[top].kind !== wanted) continue;
        found[top].partner = at;
        atom.partner = top;
        found[top].factor = atom.kind === "unsquare" ? 1 / EMPHASIS : atom.number;
        return;
      }
    });
  }

  const isText = (atom) => atom && !["mark", "tag"].includes(atom.kind) && atom.partner < 0;

  function terms(text, known) { // the spells that stand between commas and brackets, with their own weight
    const all = atoms(text), found = [];
    for (let at = 0; at < all.length; at++) {
      if (!isText(all[at])) continue;
      let last = at;
      while (isText(all[last + 1])) last += 1;
      const term = termAt(text, known, all, at, last);
      if (term) found.push(term);
      at = last;
    }
    return found;
  }

  function termAt(text, known, all, first, last) {
    const raw = text.slice(all[first].from, all[last].to);
    const spell = known.phrases.get(same(raw));
    if (!spell) return null;
    const from = all[first].from + raw.length - raw.trimStart().length;
    const inner = { from, to: from + raw.trim().length, weight: 1 };
    const levels = outward(text, all, first, last, [inner]);
    return { spell, text: raw.trim(), levels, ...levels.at(-1) };
  }

  function outward(text, all, first, last, levels) { // brackets that hold this spell alone are part of it
    const blank = (atom) => isText(atom) && !text.slice(atom.from, atom.to).trim();
    for (;;) {
      let before = first - 1, after = last + 1;
      while (blank(all[before])) before -= 1;
      while (blank(all[after])) after += 1;
      const open = all[before];
      if (!open || open.partner !== after) return levels;
      levels.push({ from: open.from, to: all[after].to, weight: levels.at(-1).weight * open.factor });
      [first, last] = [before, after];
    }
  }

  // -- the words of a prompt, wherever they stand: what the figure of the formula looks at ------------------------
  const anatomy = (text, known) => window.studio.phrases.anatomy(text, (known.reading ||= window.studio.phrases.table(known.spells.filter((spell) => !spell.own))));
  const mentions = (text, known) => new Set(anatomy(text, known).marks.map((mark) => mark.spell));
  const elements = (text, known) => anatomy(text, known).elements;

  // -- documents --------------------------------------------------------------------------------------------------
  const isPiece = (part) => typeof part !== "string";
  const isOwn = (part) => isPiece(part) && part.was === null; // put in by a click
  const number = (value) => String(Math.round(value * 100) / 100);
  const written = (text, weight, tight) => (weight === 1 && !tight ? text : `(${text}:${number(weight)})`);

  const fromText = (text) => [text];
  const body = (piece) => (piece.was !== null && piece.weight === piece.first ? piece.was : written(piece.text, piece.weight, piece.tight));

  function leadOf(before, piece) {
    if (piece.lead !== null) return piece.lead;
    if (!before.trim()) return "";
    if (/[,，、;；\n]\s*$/.test(before)) return /[,;]$/.test(before) ? " " : "";
    if (/(?<![A-Za-z0-9_])BREAK\s*$/.test(before)) return /\s$/.test(before) ? "" : " ";
    return /\p{Script=Han}/u.test(piece.text) ? "，" : ", ";
  }

  function laidOut(parts) { // every part with the place it takes in the text
    let text = "";
    const places = parts.map((part) => {
      const from = text.length;
      if (!isPiece(part)) text += part;
      else if (!part.gone) text += leadOf(text, part) + body(part) + part.trail;
      const start = isPiece(part) && !part.gone ? text.length - part.trail.length - body(part).length : from;
      return { part, from, to: text.length, start, lead: text.slice(from, start) };
    });
    return { text, places };
  }
  const render = (parts) => laidOut(parts).text;
  const typed = (parts) => parts.map((part) => (!isPiece(part) ? part : part.was === null ? "" : (part.lead || "") + part.was + part.trail)).join("");

  function tidy(parts) {
    const kept = [];
    for (const part of parts) {
      if (!isPiece(part) && kept.length && !isPiece(kept.at(-1))) kept[kept.length - 1] += part;
      else if (part !== "") kept.push(part);
    }
    return kept.length ? kept : [""];
  }

  function sync(parts, text, known) { // the text was changed by hand: pieces that the change left alone stay pieces
    const { text: old, places } = laidOut(parts);
    if (old === text) return parts;
    const most = Math.min(old.length, text.length);
    let head = 0, tail = 0;
    while (head < most && old[head] === text[head]) head += 1;
    while (tail < most - head && old.at(-1 - tail) === text.at(-1 - tail)) tail += 1;
    const left = places.findLastIndex((place) => isPiece(place.part) && place.to <= head);
    const right = places.findIndex((place, at) => at > left && isPiece(place.part) && place.from >= old.length - tail);
    const from = left < 0 ? 0 : places[left].to, rest = right < 0 ? 0 : old.length - places[right].from;
    const middle = text.slice(from, text.length - rest);
    const kept = [...parts.slice(0, left + 1), middle, ...(right < 0 ? [] : parts.slice(right))];
    return settled(tidy(kept), text, places, known);
  }

  function settled(parts, text, places, known) {
    if (render(parts) !== text) { // what a click would write here is not what stands here
      const leads = new Map(places.map((place) => [place.part, place.lead]));
      parts = parts.map((part) => (isPiece(part) && !part.gone ? { ...part, lead: leads.get(part) } : part));
    }
    if (render(parts) !== text) return [text];
    return dissolve(parts, known);
  }

  function dissolve(parts, known) { // a piece that letters were typed against is a piece no more
    const { text, places } = laidOut(parts);
    const there = terms(text, known);
    return tidy(places.map((place) => {
      if (!isPiece(place.part) || place.part.gone) return place.part;
      return there.some((term) => levelOf(term, place)) ? place.part : text.slice(place.from, place.to);
    }));
  }

  // The brackets around a spell may belong to something that was taken out beside it: then they are not its own.
  const levelOf = (term, place) => term.levels.find((level) => level.from === place.start && level.to === place.start + body(place.part).length);
  const levelIn = (term, place) => term.levels.findLast((level) => place.from <= level.from && level.to <= place.to);

  function adopt(parts, term) { // a typed spell becomes a piece that remembers how it was typed
    const { places } = laidOut(parts);
    const at = places.findIndex((place) => !isPiece(place.part) && levelIn(term, place));
    if (at < 0) return [parts, -1];
    const part = parts[at], base = places[at].from, level = levelIn(term, places[at]);
    const before = part.slice(0, level.from - base), after = part.slice(level.to - base);
    const lead = COMMA_BEFORE.exec(before)?.[0] ?? "";
    const trail = lead ? "" : COMMA_AFTER.exec(after)?.[0] ?? "";
    const piece = {
      key: term.spell.key, text: term.text, weight: level.weight, first: level.weight, lead, trail, gone: false,
      was: part.slice(level.from - base, level.to - base),
    };
    const split = [before.slice(0, before.length - lead.length), piece, after.slice(trail.length)];
    return [[...parts.slice(0, at), ...split, ...parts.slice(at + 1)], at + 1];
  }

  // What is in a document, in the order of its text.
  function chosen(parts, known) {
    const { text, places } = laidOut(parts);
    return terms(text, known).map((term) => {
      const at = pieceAt(places, term), part = parts[at];
      const weight = part ? part.weight : term.weight;
      return { ...term, at, weight, key: term.spell.key, own: Boolean(part) && isOwn(part) };
    });
  }

  const pieceAt = (places, term) => places.findIndex((place) => isPiece(place.part) && !place.part.gone && levelOf(term, place));
  function piece(parts, term) { // the piece of a term, adopted where it was typed
    const at = pieceAt(laidOut(parts).places, term);
    return at >= 0 ? [parts, at] : adopt(parts, term);
  }

  const changed = (parts, at, change) => parts.map((part, place) => (place === at ? { ...part, ...change } : part));

  function has(parts, key, known) { return chosen(parts, known).some((term) => term.key === key); }

  function takeOut(parts, key, known) {
    for (let turn = parts.length + render(parts).length; turn > 0; turn--) {
      const term = chosen(parts, known).find((one) => one.key === key);
      if (!term) break;
      const [next, at] = piece(parts, term);
      if (at < 0) break;
      parts = isOwn(next[at]) ? tidy(next.filter((_, place) => place !== at)) : changed(next, at, { gone: true });
    }
    return parts;
  }

  function putIn(parts, spell, text, known, byFormula = true) {
    const ghost = parts.some((part) => isPiece(part) && part.gone && part.key === spell.key);
    if (ghost) return parts.map((part) => (isPiece(part) && part.gone && part.key === spell.key ? { ...part, gone: false, weight: part.first } : part));
    if (BLEND.test(render(parts))) return parts; // a blend is the whole prompt
    const fresh = { key: spell.key, text, weight: 1, first: 1, lead: null, trail: "", gone: false, was: null };
    const at = byFormula ? placeFor(parts, spell, known) : -1;
    return at < 0 ? appended(parts, fresh) : [...parts.slice(0, at), fresh, ...parts.slice(at)];
  }

  function placeFor(parts, spell, known) { // beside the other clicked ones, in the formula's order
    const rank = (part) => known.byKey.get(part.key)?.rank ?? Infinity;
    const after = parts.findLastIndex((part) => isOwn(part) && part.lead === null && rank(part) <= spell.rank);
    if (after >= 0) return after + 1;
    const first = parts.findIndex((part) => isOwn(part) && part.lead === null);
    return first >= 0 ? first : -1;
  }

  function appended(parts, fresh) {
    const last = parts.findLastIndex((part) => !isPiece(part) || !part.gone);
    const end = parts[last];
    // A comma goes before the white space that a person typed last, unless a comma stands there already.
    const spaces = end === undefined || isPiece(end) || COMMA_BEFORE.test(end) || !end.trim() ? "" : /\s*$/.exec(end)[0];
    if (!spaces) return [...parts, fresh].filter((part) => part !== "");
    const cut = end.slice(0, end.length - spaces.length);
    return [...parts.slice(0, last), cut, fresh, spaces, ...parts.slice(last + 1)];
  }

  function toggle(parts, spell, text, known, byFormula = true) {
    return has(parts, spell.key, known) ? takeOut(parts, spell.key, known) : putIn(parts, spell, text, known, byFormula);
  }

  // Several at once: what a wand proposed, or a set of one's own; a weight of null leaves it as it is.
  function putAll(parts, wanted, known, byFormula = true) {
    for (const { spell, text, weight } of wanted) {
      if (!has(parts, spell.key, known)) parts = putIn(parts, spell, text, known, byFormula);
      if (weight) parts = weigh(parts, spell.key, weight, known);
    }
    return parts;
  }

  // Words that are no single phrase stand as text behind what is there; whoever takes them out knows what joined them.
  const joint = (parts, text) => leadOf(render(parts), { lead: null, text });
  const putText = (parts, text, known) => sync(parts, render(parts) + joint(parts, text) + text, known);
  function takeText(parts, text, joined, known) {
    const all = render(parts), at = all.lastIndexOf(text);
    if (at < 0) return parts;
    const before = all.slice(0, at), lead = before.endsWith(joined) ? joined : "";
    return sync(parts, before.slice(0, before.length - lead.length) + all.slice(at + text.length), known);
  }

  // The phrases of a text with their weights; null where it is more than phrases between commas.
  function phrasesIn(text) {
    if (/[{}|$<>"“”]|__|BREAK/.test(text) || isBlend(text)) return null;
    const found = text.split(/[,，、;；\n]/).map((one) => one.trim()).filter(Boolean).map(phraseIn);
    return found.length && !found.includes(null) ? found : null;
  }
  function phraseIn(raw) {
    const [, inner, weight] = /^[(（]([^()（）:：]+)[:：]\s*([\d.]+)\s*[)）]$/.exec(raw) || [null, raw, "1"];
    const there = Number(weight) === bounded(Number(weight)) || Number(number(bounded(Number(weight)))) === Number(weight);
    return /[()（）[\]\\:：]/.test(inner) || !inner.trim() || !there ? null : { text: inner.trim(), weight: Number(weight) };
  }

  const bounded = (weight) => Math.min(Math.max(Math.round(weight / STEP) * STEP, LEAST), MOST);
  function weigh(parts, key, weight, known) {
    const term = chosen(parts, known).find((one) => one.key === key);
    if (!term) return parts;
    const [next, at] = piece(parts, term);
    if (at < 0) return parts;
    const weighed = changed(next, at, { weight: Number(number(bounded(weight))), tight: false });
    // Where letters stand right beside its brackets they must stay, or it would run into them.
    const there = chosen(weighed, known).some((one) => one.at === at);
    return there ? weighed : changed(weighed, at, { tight: true });
  }
  function step(weight, by) { // the next mark of the scale, also from a weight between two; none beyond its ends
    if (by > 0 ? weight >= MOST : weight <= LEAST) return weight;
    const at = weight / STEP;
    return bounded((by > 0 ? Math.floor(at + 1e-6) + 1 : Math.ceil(at - 1e-6) - 1) * STEP);
  }

  // Moves what stands at one place of `chosen` to another; commas and brackets around the places stay as they are.
  function move(parts, from, to, known) {
    const count = chosen(parts, known).length;
    if (from === to || Math.min(from, to) < 0 || Math.max(from, to) >= count) return parts;
    for (let turn = 0; turn < count; turn++) [parts] = piece(parts, chosen(parts, known)[turn]);
    const { text, places } = laidOut(parts);
    const slots = terms(text, known).map((term) => pieceAt(places, term));
    if (slots.length !== count || slots.includes(-1)) return parts;
    const order = slots.map((slot) => parts[slot]);
    order.splice(to, 0, ...order.splice(from, 1));
    const next = [...parts];
    slots.forEach((slot, at) => { next[slot] = moved(order[at], parts[slot]); });
    return next;
  }
  function moved({ key, text, weight, first, was, tight }, slot) {
    // What was clicked can stand where something was typed, and then goes with that place's commas.
    return { key, text, weight, first, was, tight, lead: slot.lead, trail: slot.trail, gone: false };
  }

  // -- looking for spells -----------------------------------------------------------------------------------------
  function keys(spell) {
    return (spell.keys ||= [spell.en, spell.zh, spell.name, ...spell.aliases, spell.pinyin].map(fold).filter(Boolean));
  }
  function rankOfMatch(spell, wanted) { // as the search of studio.spellbook ranks: exact, beginning, initials, within
    const inside = keys(spell).filter((key) => key.includes(wanted));
    if (inside.includes(wanted)) return [0, 0];
    const begins = inside.filter((key) => key.startsWith(wanted)).map((key) => key.length);
    if (begins.length) return [1, Math.min(...begins)];
    if (wanted.length > 1 && spell.initials.startsWith(wanted)) return [2, spell.initials.length];
    return inside.length ? [3, Math.min(...inside.map((key) => key.length))] : null;
  }
  function search(known, text) {
    const wanted = fold(text);
    if (!wanted) return [];
    const found = known.spells.map((spell) => [rankOfMatch(spell, wanted), spell]).filter(([rank]) => rank);
    return found.sort(([a, one], [b, other]) => a[0] - b[0] || a[1] - b[1] || one.at - other.at).map(([, spell]) => spell);
  }

  return {
    PARTS, LEAST, MOST, STEP, index, terms, mentions, elements, fromText, render, typed, sync, chosen, has,
    anatomy, putIn, putAll, putText, joint, takeOut, takeText, toggle, weigh, step, move, search, isBlend, withOwn, phrasesIn, fold, same, initials,
  };
})();
