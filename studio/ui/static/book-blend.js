// Two of the chosen in proportion: the prompt is said twice, once with each, and both readings are mixed.
((B) => {
  const { S, t, escape, icon, tipped, mainOf } = B;
  const MOST = 9;
  B.blending = null; // the key of the first one, while the second is looked for

  const can = () => B.data().blends !== "no";
  B.blendTool = (tool) => {
    if (S.isBlend(B.textOf("prompt"))) return "";
    if (can()) return tool("blend", "blend", "book.blend_two");
    return `<button type="button" class="ib sm tbx" disabled>${icon("blend")}<span class="tip">${t("book.blend_not_here", { family: B.data().familyTitle || "" })}</span></button>`;
  };
  B.blendHint = () => {
    const spell = B.blending && B.known.byKey.get(B.blending);
    if (!spell || !B.sideOf(B.blending)) { B.blending = null; return ""; }
    return `<div class="bkoffer"><span>${t("book.blend_with", { spell: mainOf(spell) })}</span><button type="button" class="btn quiet sm" data-tool="no-blend">${t("book.cancel")}</button></div>`;
  };
  B.blendFrom = (key) => { [B.blending, B.picked] = [key, null]; B.refresh(); };

  B.blendWith = (side, key) => { // without a second one it is given up
    const first = B.blending;
    B.blending = null;
    if (!key || side !== "prompt" || key === first) return B.refresh();
    const before = B.remember(), without = (one) => S.render(S.takeOut(B.parts.prompt, one, B.known));
    const deal = { kind: "blend", before, names: [first, key], texts: [without(key), without(first)], shares: [1, 1] };
    write(deal);
    B.begin(deal);
  };

  // A tag inside a phrase would be read with each of them, so it stands behind the whole.
  const TAG = /<(?:lora|lyco|hypernet):[^<>]*>/gi;
  const quoted = (text) => `"${text.replace(TAG, "").trim().replace(/["“”]/g, "\\$&")}"`;
  function write(deal) {
    const tags = (S.render(deal.before.prompt).match(TAG) || []).join("");
    B.write("prompt", S.fromText(`(${deal.texts.map(quoted).join(", ")}).blend(${deal.shares.join(", ")})${tags}`));
  }
  B.share = (deal, at, by) => {
    deal.shares[at] = Math.min(Math.max(deal.shares[at] + by, 1), MOST);
    write(deal);
    B.done();
    B.drawDeal();
  };
  B.sharesHtml = (deal) => deal.names.map((key, at) => {
    const name = mainOf(B.known.byKey.get(key)), parts = deal.shares[at];
    const button = (by, sign, words, off) => `<button type="button" data-deal="${by}" data-at="${at}" aria-label="${t(words, { spell: name })}"${off ? " disabled" : ""}>${icon(sign)}</button>`;
    return `<span class="shr"><span>${escape(name)}</span><span class="st">${button("less", "minus", "book.lighter", parts <= 1)}<b class="num">${parts}</b>${button("more", "plus", "book.heavier", parts >= MOST)}</span></span>`;
  }).join("") + `<span class="sp"></span>`;
})(window.studio.book);
