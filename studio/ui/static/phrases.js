// Which of the book's phrases stand in a text, and what of the formula it lacks. It reads as studio/spellbook/phrases.py
// and anatomy.py do, so that page and server see the same; a test holds both against each other.
(window.studio ||= {}).phrases = (() => {
  const ELEMENTS = ["medium", "subject", "detail", "action", "place", "colour", "light", "framing", "style", "clarity"];
  const STANDS_FOR = { painter: "style", camera: "framing" }; // what else fills an element of the formula
  // Which gap is spoken of first: what a beginner's prompt gains most from.
  const HINTS = ["subject", "light", "place", "style", "colour", "medium", "framing", "detail", "action", "clarity"];
  const SMALL = new Set(["a", "an", "the", "of", "in", "on", "at", "with", "and", "by", "to", "is", "和", "与", "的"]);
  const ARTICLE = /^(?:a|an|the) /i, LINK = "的";
  const LONGEST = 24, UNKNOWN = 1000;
  const HAN = /[\u3400-\u9fff]/, LETTER = /\p{L}/u;
  // f/1.8 and the J. of a name are words too.
  const TOKEN = /[\u3400-\u9fff]|(?<![\p{L}\p{N}_])[A-Za-z]\.(?=\s?[A-Za-z])|(?:(?![\u3400-\u9fff])[\p{L}\p{N}])+(?:[/.][0-9]+)*/gu;
  const JOINT = /^[\s\-'’_·]*$/;
  const ASIDE = /<(?:lora|lyco|hypernet):[^<>]*>|__[\p{L}\p{N}](?:[^{}|$\n,\\]{0,60}?[\p{L}\p{N}])?__/giu;
  const folded = (text) => text.toLowerCase().replaceAll("ß", "ss");

  function tokens(text) { // no words of tags and wildcards
    const aside = [...text.matchAll(ASIDE)].map((found) => [found.index, found.index + found[0].length]);
    const within = (at) => aside.some(([from, to]) => from <= at && at < to);
    return [...text.matchAll(TOKEN)].filter((found) => !within(found.index))
      .map((found) => ({ text: folded(found[0]), from: found.index, to: found.index + found[0].length }));
  }

  function runs(text) { // parted where anything but a space or a hyphen stands between two words
    const all = [];
    let before = null;
    for (const token of tokens(text)) {
      if (before && JOINT.test(text.slice(before.to, token.from))) all.at(-1).push(token); else all.push([token]);
      before = token;
    }
    return all;
  }

  const keyOf = (words) => words.join("\u0000");

  // -- known phrases: of two that claim one phrase at one rank neither has it ------------------------------------
  function table(spells) {
    const known = { phrases: new Map(), longest: 0 };
    for (const spell of spells) if (spell.part !== "negative") addSpell(known, spell);
    return known;
  }

  function addSpell(known, spell) {
    add(known, spell.en, spell, 0);
    add(known, spell.zh, spell, 0);
    add(known, spell.en.replace(ARTICLE, ""), spell, 1);
    // A name of one Latin word says too little by itself: 3D is a tag, and part of many a phrase.
    add(known, spell.name, spell, 2, !HAN.test(spell.name));
    for (const alias of spell.aliases) add(known, alias, spell, 3, true);
  }

  function add(known, text, value, rank, alone = false) {
    const words = tokens(text).map((token) => token.text), key = keyOf(words), old = known.phrases.get(key);
    if (!words.length || words.length > LONGEST || (old && old.rank < rank)) return;
    const clash = old && old.rank === rank && old.value !== value;
    known.phrases.set(key, { rank, value: clash ? null : value, alone });
    known.longest = Math.max(known.longest, words.length);
  }

  // -- reading: the fewest words unknown, and of those readings the one of the fewest phrases ----------------------
  function find(text, known) {
    return runs(text).flatMap((run) => read(run, known));
  }

  function read(run, known) {
    const steps = [new Map([["start", { cost: 0, since: 0, before: "", value: null }]])];
    for (let end = 1; end <= run.length; end++) steps.push(stepsTo(run, end, steps, known));
    return stretches(run, path(steps));
  }

  function stepsTo(run, end, steps, known) {
    const best = new Map();
    for (let since = Math.max(0, end - known.longest); since < end; since++) {
      const value = valueOf(run, since, end, known);
      if (value) better(best, kind(run, since, end), steps[since], since, 1, value);
    }
    const unknown = HAN.test(run[end - 1].text) ? "unknown" : "unknown word";
    better(best, unknown, steps[end - 1], end - 1, UNKNOWN, null);
    return best;
  }

  function valueOf(run, since, end, known) {
    const found = known.phrases.get(keyOf(run.slice(since, end).map((token) => token.text)));
    return found?.value && (!found.alone || (since === 0 && end === run.length)) ? found.value : null;
  }

  function kind(run, since, end) {
    const alone = end - since === 1 && HAN.test(run[since].text) && run[since].text !== LINK;
    return alone ? "character" : "phrase";
  }

  function better(best, kind, before, since, cost, value) { // the cheapest way to end in a stretch of a kind
    for (const [last, step] of before) {
      // A known character beside unknown ones is most likely part of their word: 花 in 雪花.
      if ((last === "character" && kind === "unknown") || (last === "unknown" && kind === "character")) continue;
      const old = best.get(kind);
      if (!old || step.cost + cost < old.cost) best.set(kind, { cost: step.cost + cost, since, before: last, value });
    }
  }

  function path(steps) { // the cheapest way through, from the first stretch to the last
    const found = [];
    let end = steps.length - 1;
    let [kind] = [...steps[end]].reduce((least, one) => (one[1].cost < least[1].cost ? one : least));
    while (end) {
      const step = steps[end].get(kind);
      found.unshift({ since: step.since, end, value: step.value });
      [end, kind] = [step.since, step.before];
    }
    return found;
  }

  function stretches(run, path) { // neighbouring unknown words are one stretch
    const found = [];
    let unknown = false;
    for (const { since, end, value } of path) {
      if (!value && unknown) found.at(-1).to = run[end - 1].to;
      else found.push({ from: run[since].from, to: run[end - 1].to, value });
      unknown = !value;
    }
    return found;
  }

  // -- the anatomy of a prompt ------------------------------------------------------------------------------------
  const namesSomething = (words) => folded(words).split(/\s+/).some((word) => LETTER.test(word) && !SMALL.has(word));

  function anatomy(text, known) {
    const found = find(text, known);
    const marks = found.filter((one) => one.value).map((one) => ({ spell: one.value, from: one.from, to: one.to }));
    const free = found.filter((one) => !one.value && namesSomething(text.slice(one.from, one.to)));
    // Words that the book does not know are taken for the subject.
    const elements = new Set([...marks.map((mark) => mark.spell.element), ...(free.length ? ["subject"] : [])]);
    return { marks, free, elements, lacking: ELEMENTS.filter((one) => !elements.has(one)) };
  }

  return { ELEMENTS, STANDS_FOR, HINTS, table, find, anatomy };
})();
