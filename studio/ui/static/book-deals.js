// What replaces or fills up a prompt at once: the wand's proposal, dice, whole prompts, scenes. Chance comes from the
// server, by a seed that is shown and can be typed; whatever was there before is one click away, and the way back too.
((B) => {
  const { S, $, $$, SIDES, t, pick, escape, icon, tipped, mainOf } = B;
  const LARGEST = 999999; // of a seed drawn here: short enough to be told to a neighbour
  let deal = null, turn = 0;

  const draw = () => 1 + Math.floor(Math.random() * LARGEST);
  const spellsOf = (keys) => keys.map((key) => B.known.byKey.get(key)).filter(Boolean);
  const wantedOf = (spells) => spells.map((spell) => ({ spell, text: B.speech(spell) }));

  // -- what was there ---------------------------------------------------------------------------------------------
  // The form's own values too, where more than the words changes.
  B.remember = (whole = false) => ({ ...B.parts, form: whole ? formNow() : null });
  const names = () => (B.data().fields || "").split(" ");
  const asWritten = (values) => values.map((value, at) => (SIDES.includes(names()[at]) ? B.textOf(names()[at]) ?? value : value));
  function formNow() {
    const values = window.studio.kept?.();
    return Array.isArray(values) && values.length === names().length ? asWritten(values) : null;
  }
  function swap() { // nothing is lost: what stands there now is remembered in its turn
    const before = deal.before;
    deal.before = B.remember(Boolean(before.form));
    deal.gone = !deal.gone;
    for (const side of SIDES) B.write(side, before[side]);
    if (before.form) tellForm(before.form);
    B.done();
    B.drawDeal();
  }
  function tellForm(values) {
    const button = $("[data-do=back]", B.strip); // the figure is always there, the book's tab only once it was opened
    button.dataset.form = JSON.stringify(values);
    button.click();
  }

  B.begin = (next) => { deal = next; turn += 1; B.drawDeal(); B.done(); };
  B.deal = () => deal;
  const close = () => B.begin(null);
  B.dealt = (key) => Boolean(deal && !deal.gone && deal.keys?.includes(key));

  // -- asking for chance: an answer that somebody no longer waits for is left aside ---------------------------------
  async function chance(path, body, then, was = deal) {
    const mine = (turn += 1);
    try {
      const { spells } = await B.ask(path, body);
      if (mine === turn) then(spellsOf(spells));
    } catch (error) {
      if (mine === turn) { deal = { kind: "refused", text: error.message, before: was?.before, gone: was?.gone }; B.drawDeal(); }
    }
  }

  B.wave = (seed = draw()) => { // the wand
    if (!B.known) return;
    const was = deal;
    deal = { kind: "wand", seed, spells: [], waiting: true };
    B.drawDeal();
    chance("/wand", { prompt: B.textOf("prompt"), seed }, (spells) => B.begin({ kind: "wand", seed, spells }), was);
  };
  function accept() {
    const before = B.remember(), spells = deal.spells;
    const next = S.putAll(B.parts.prompt, wantedOf(spells), B.known, !B.open.dragged);
    if (S.isBlend(B.textOf("prompt"))) return B.say(t("book.blend"));
    B.write("prompt", next);
    B.used(spells.map((spell) => spell.key));
    B.begin({ kind: "accepted", n: spells.length, keys: spells.map((spell) => spell.key), before });
  }
  function without(key) {
    deal.spells = deal.spells.filter((spell) => spell.key !== key);
    if (deal.spells.length) B.drawDeal(); else close();
  }

  B.throwDice = (chapter, group, seed = draw(), tries = 3) => {
    const side = sideOfChapter(chapter);
    if (S.isBlend(B.textOf(side) || "")) return B.say(t("book.blend"));
    const again = deal?.kind === "dice" && !deal.gone && deal.chapter === chapter && deal.group === group ? deal : null;
    const before = again ? again.before : B.remember(), old = again?.keys[0];
    const besides = B.chosen(side).filter((term) => term.spell.chapter === chapter && term.key !== old).map((term) => term.key);
    chance("/dice", { chapter, group, seed, besides }, ([spell]) => {
      if (!spell) return B.say(t("book.dice_none"));
      if (spell.key === old && tries && !again.typed) return B.throwDice(chapter, group, draw(), tries - 1);
      fall(spell, old, side);
      B.begin({ kind: "dice", seed, chapter, group, before, spells: [spell], keys: [spell.key] });
    });
  };
  const sideOfChapter = (id) => (B.chapters().find((one) => one.id === id)?.part === "negative" ? "negative" : "prompt");
  function fall(spell, old, side) { // the one that the dice threw last makes room
    let parts = B.parts[side];
    if (old && !B.locked(old)) parts = S.takeOut(parts, old, B.known);
    B.write(side, S.putAll(parts, wantedOf([spell]), B.known, !B.open.dragged));
    B.used([spell.key]);
  }

  B.throwWhole = (seed = draw()) => {
    if (!B.known) return;
    const before = deal?.kind === "whole" && !deal.gone ? deal.before : B.remember();
    const kept = B.chosen("prompt").filter((term) => B.locked(term.key));
    const locks = kept.filter((term) => !term.spell.own).map((term) => term.key);
    chance("/random", { seed, locks }, (spells) => {
      const stay = kept.map((term) => ({ spell: term.spell, text: term.text, weight: Math.abs(term.weight - 1) > 1e-6 ? term.weight : null }));
      const order = [...stay.filter(({ spell }) => !spells.includes(spell)), ...spells.map((spell) => stay.find((one) => one.spell === spell) || wantedOf([spell])[0])];
      B.open.dragged = false;
      B.write("prompt", S.putAll(S.fromText(""), order, B.known));
      B.begin({ kind: "whole", seed, before, locked: kept.length, keys: spells.map((spell) => spell.key) });
    });
  };

  // -- what comes from the server with the whole form ---------------------------------------------------------------
  B.sceneChosen = (id) => { // the server fills the form meanwhile
    const scene = B.everyScene().find((one) => one.id === id);
    B.used([id]);
    B.begin({ kind: "scene", title: pick(scene.title), lora: scene.lora, before: B.remember(true) });
  };
  document.addEventListener("click", (event) => { // before the server hears of it
    const starter = event.target.closest?.(".starter"), clear = event.target.closest?.("#meter [data-do=clear]");
    if (B.known && event.target.closest?.("#use_default [data-do=use]") && B.textOf("negative")?.trim()) return B.begin({ kind: "usual", before: B.remember() });
    if (!B.known || !(starter || (clear && B.textOf("prompt")))) return;
    const words = starter && $(`b [lang|=${B.lang()}]`, starter);
    B.begin({ kind: starter ? "scene" : "cleared", title: words?.textContent || $("b", starter || document)?.textContent, before: B.remember(Boolean(starter)) });
  }, true);
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-local=wand], [data-local=dice]");
    if (button && !button.disabled) (button.dataset.local === "wand" ? B.wave : B.throwWhole)();
  });

  // -- drawing: under the prompt, and in the book beside what is chosen ---------------------------------------------
  B.drawDeal = () => {
    const inFigure = B.strip && $(".bkdeal", B.strip), inBook = B.place && $(".bkdeal", B.place);
    for (const place of [inFigure, inBook]) {
      if (!place) continue;
      const focus = place.contains(document.activeElement) ? document.activeElement.dataset.deal : null;
      place.innerHTML = B.known && deal ? html() : "";
      if (focus) ($(`[data-deal="${focus}"]`, place) || $("button", place))?.focus();
    }
  };

  const HEADS = {
    wand: () => (deal.waiting ? t("book.wand_thinks") : t(deal.spells.length ? "book.wand_proposes" : "book.wand_nothing")),
    accepted: () => t("book.accepted", { n: deal.n }),
    dice: () => t("book.dice_threw", { spell: mainOf(deal.spells[0]) }),
    whole: () => (deal.locked ? t("book.whole_locked", { n: deal.locked }) : t("book.whole")),
    scene: () => t("book.in_the_form", { scene: deal.title }),
    cleared: () => t("book.cleared"),
    taken_out: () => t("book.taken_out"),
    usual: () => t("book.usual_negative"),
    deleted: () => t("book.deleted", { name: deal.name }),
    own: () => t("book.in_the_form", { scene: deal.name }),
    blend: () => t("book.blended"),
    refused: () => deal.text,
  };
  const button = (name, inner, classes, more = "") => `<button type="button" class="${classes}" data-deal="${name}"${more}>${inner}</button>`;

  function html() {
    const seeded = deal.seed !== undefined && !deal.gone ? seedHtml() : "";
    const shut = button("close", icon("x") + tipped("book.close"), "ib bare sm");
    const head = `<div class="dlhead"><b role="status">${HEADS[deal.kind]()}</b><span class="sp"></span>${seeded}${shut}</div>`;
    const lora = deal.lora && !deal.gone ? loraHtml(deal.lora) : "";
    return `<div class="dl" data-kind="${deal.kind}" role="group" aria-label="${t("book.deal")}">${head}${lora}${bodyHtml()}</div>`;
  }
  const STANDS = { here: "book.with_lora", away: "book.no_lora", unfit: "book.unfit_lora" };
  function loraHtml({ name, weights }) { // and the weights that show what it does, where it can be tried
    const stands = B.loraStands?.(name) ?? "away", now = B.loraWeight?.(name);
    const says = `<p class="dlsays">${icon("info")}<span>${t(STANDS[stands], { lora: name, model: B.modelTitle?.() ?? "" })}</span></p>`;
    const tries = now === undefined ? "" : weights.map((weight) => button("lora", weight, "btn sm", ` data-weight="${weight}" aria-pressed="${weight === now}"`)).join("");
    return tries && weights.length > 1 ? `${says}<div class="dltry"><span class="t12 i2">${t("book.lora_weight")}</span>${tries}</div>` : says;
  }
  function seedHtml() {
    const field = `<label class="dlseed"><span>${t("book.seed")}</span><input class="num" inputmode="numeric" pattern="[0-9]*" maxlength="15" value="${deal.seed}" data-deal="seed" autocomplete="off"></label>`;
    return field + button("again", icon("shuffle") + `<span>${t("book.another")}</span>`, "btn sm quiet");
  }
  function bodyHtml() {
    if (deal.kind === "wand") return deal.spells.length ? proposalHtml() : "";
    if (deal.kind === "deleted") return `<div class="dlrow">${button("restore", icon("undo-2") + t("book.put_back"), "btn sm")}</div>`;
    const sign = icon("undo-2") + t(deal.gone ? "book.forward" : "book.back");
    const back = deal.before ? `<div class="dlrow">${deal.kind === "blend" && !deal.gone ? B.sharesHtml(deal) : ""}${button("back", sign, "btn sm")}</div>` : "";
    return back;
  }
  function proposalHtml() {
    const chip = (spell) => button("drop", `<small>${t("book.element." + spell.element)}</small><span>${escape(mainOf(spell))}</span>${icon("x")}`, "wc", ` data-key="${escape(spell.key)}" aria-label="${t("book.wand_without", { spell: mainOf(spell) })}"`);
    const accept = button("accept", icon("check") + t("book.wand_accept"), "btn sm try"), dismiss = button("close", t("book.dismiss"), "btn sm quiet");
    return `<div class="wcs">${deal.spells.map(chip).join("")}</div><div class="dlrow">${accept}${dismiss}</div>`;
  }

  // -- hands --------------------------------------------------------------------------------------------------------
  const DOES = {
    close, accept, back: swap, drop: (from) => without(from.dataset.key), again: () => again(draw()), restore: () => B.restoreOwn(deal.item),
    lora: (from) => { B.weighLora(deal.lora.name, Number(from.dataset.weight)); B.drawDeal(); },
    less: (from) => B.share(deal, from.dataset.at, -1), more: (from) => B.share(deal, from.dataset.at, 1),
  };
  B.onDeal = (event) => {
    const from = event.target.closest("button[data-deal]");
    if (from) DOES[from.dataset.deal](from);
    return Boolean(from || event.target.closest(".bkdeal"));
  };
  function again(seed) {
    if (deal.kind === "wand") B.wave(seed);
    if (deal.kind === "whole") B.throwWhole(seed);
    if (deal.kind === "dice") B.throwDice(deal.chapter, deal.group, seed);
  }
  document.addEventListener("change", (event) => { // a seed that was typed
    if (!event.target.matches?.(".bkdeal input[data-deal=seed]") || !deal) return;
    const seed = Number(event.target.value.replace(/\s/g, ""));
    if (event.target.value.trim() && Number.isSafeInteger(seed) && seed >= 0) { deal.typed = true; again(seed); } else event.target.value = deal.seed;
  });
  document.addEventListener("keydown", (event) => {
    if (!event.target.matches?.(".bkdeal input[data-deal=seed]")) return;
    event.stopPropagation(); // Ctrl and Enter would paint, the slash would search
    if (event.key === "Enter") { event.preventDefault(); event.target.blur(); }
  }, true);
})(window.studio.book);
