// Trigger words and the names of embeddings: put into a prompt as spells are, so that what was typed stays to the byte.
((L) => {
  const B = window.studio.book, { S } = B, { t, icon, escape } = L;

  // The book knows them as phrases for as long as one can click them.
  let known = "";
  L.knowWords = () => {
    const cards = L.cards.filter((card) => L.use(card.id) || L.isWord(card) || L.opened() === card.id || L.typedId(card.id));
    const words = [...new Set(cards.flatMap(L.wordsOf))].filter((word) => S.phrasesIn(word)?.length === 1);
    const text = words.join("\n");
    if (text === known) return;
    known = text;
    B.beside = words.map((word) => [word, word, word]);
    if (!B.known) return; // it takes them along as it comes
    B.knowMine();
    if (B.place) B.drawPane();
    B.hear();
  };
  L.wordsOf = (card) => (L.isWord(card) ? [card.name] : card.triggers);

  const spellOf = (word) => B.known.phrases.get(S.same(word));
  const alone = (word, side) => S.chosen(B.parts[side], B.known).find((term) => S.same(term.text) === S.same(word));
  L.holds = (word, side) => { // also within what was typed
    if (!B.known) return false;
    if (alone(word, side)) return true;
    const text = S.same(B.textOf(side) || ""), wanted = S.same(word), letter = /[\p{L}\p{N}_]/u;
    for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + 1))
      if (!(letter.test(text[at - 1] || "") && letter.test(wanted[0])) && !(letter.test(text[at + wanted.length] || "") && letter.test(wanted.at(-1)))) return true;
    return false;
  };

  const joined = new Map(); // what stands before words that are more than a phrase
  L.put = (word, side = "prompt") => {
    if (!B.known) return;
    const parts = B.parts[side], next = L.holds(word, side) ? without(parts, word, side) : within(parts, word, side);
    if (next === parts) return L.say(S.isBlend(B.textOf(side) || "") ? "blend" : "typed_within", { word: escape(word) });
    B.write(side, next);
    B.done();
    L.draw();
  };
  function within(parts, word, side) {
    const spell = spellOf(word);
    if (spell) return S.putIn(parts, spell, word, B.known, !B.open.dragged);
    if (S.isBlend(S.render(parts))) return parts;
    joined.set(`${side} ${word}`, S.joint(parts, word));
    return S.putText(parts, word, B.known);
  }
  function without(parts, word, side) {
    const term = alone(word, side);
    if (term) return S.takeOut(parts, term.key, B.known);
    const before = joined.get(`${side} ${word}`);
    return before === undefined ? parts : S.takeText(parts, word, before, B.known);
  }

  L.triggersHtml = (card) => {
    const words = card && !L.isWord(card) ? card.triggers : [];
    if (!words.length) return "";
    return `<div class="lowords"><span class="i2 t12">${t("trigger")}</span>${words.map((word) => L.chipHtml(word, "prompt")).join("")}</div>`;
  };
  L.chipHtml = (word, side, label = escape(word)) => {
    const on = L.holds(word, side);
    return `<button type="button" class="loword${on ? " on" : ""}" data-lora="word" data-word="${escape(word)}" data-side="${side}" data-pressed="${on}">${icon(on ? "check" : "plus", "xs")}<span class="ell">${label}</span></button>`;
  };
  L.acts.word = (use, { word, side }) => L.put(word, side);

  // The chips follow what is typed.
  let pausing = 0;
  const soon = () => { clearTimeout(pausing); pausing = setTimeout(() => { if (L.place?.offsetParent) L.draw(); }, 50); };
  document.addEventListener("input", (event) => { if (event.target.matches?.("#prompt textarea, #negative textarea")) soon(); });
  document.addEventListener("studio:form", soon);
})(window.studio.lora);
