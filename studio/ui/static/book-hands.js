// What hands and keys do in the book's tab.
((B) => {
  const { S, $, $$, SIDES } = B;
  const LONG_PRESS = 250;
  let dragging = null;

  B.takeHands = (place) => {
    place.addEventListener("click", (event) => (event.target.closest("[data-again]") ? B.load() : onClick(event)));
    place.addEventListener("keydown", onKey);
    place.addEventListener("input", (event) => { if (event.target.matches(".bkfind input")) search(event.target.value); });
    place.addEventListener("pointerdown", onDown);
    place.addEventListener("contextmenu", (event) => { if (dragging?.on && event.target.closest(".ct")) event.preventDefault(); });
  };

  // -- clicks -----------------------------------------------------------------------------------------------------
  function onClick(event) {
    const target = event.target.closest("button");
    if (!target || target.disabled || B.onDeal(event) || B.onMine(event)) return;
    const tag = target.closest(".bktag[data-spell]"), { by, tool, pane, chapter: id, star, dice } = target.dataset;
    if (star) return B.star(star);
    if (tag && by) return B.weigh(B.known.spells[tag.dataset.spell].key, Number(by));
    if (tag) return tagged(B.known.spells[tag.dataset.spell], event);
    if (dice) return B.throwDice(dice, target.dataset.of);
    if (pane) { B.open.pane = pane; B.query = ""; B.keep(); B.draw(); return focusChosen("tab"); }
    if (id) return openChapter(id);
    if (tool) return used(tool);
    if (target.dataset.style) return B.wearOrNot(target.dataset.style);
    if (target.dataset.scene) return B.sceneChosen(target.dataset.scene);
    if (target.matches(".cb")) pickUp(target.closest(".ct"));
  }
  function openChapter(id) {
    B.open.chapter = id;
    B.offer = null;
    B.leaveForm();
    B.keep();
    B.drawPane();
    $(".bkshelf", B.place).scrollTop = 0;
    B.refresh();
  }
  function tagged(spell, event) { // Shift weighs what is chosen already
    if (event.shiftKey && B.sideOf(spell.key)) B.weigh(spell.key, 1); else B.toggle(spell);
  }
  function pickUp(chip) {
    if (dragging?.moved) return;
    const { side, at, key } = chip.dataset;
    if (B.blending) return B.blendWith(side, key);
    B.picked = B.picked?.side === side && B.picked.at === Number(at) ? null : { side, at: Number(at) };
    B.refresh();
  }
  const current = () => B.picked && B.chosen(B.picked.side)[B.picked.at]?.key;

  const TOOLS = {
    clear: () => B.clear(), forget: () => forget(), dice: () => B.throwWhole(), "lock-all": () => B.lockAll(),
    replace: () => {
      for (const old of B.offer.rivals) for (const side of SIDES) B.write(side, S.takeOut(B.parts[side], old.key, B.known));
      B.offer = null;
      B.done();
    },
    both: () => { B.offer = null; B.refresh(); },
    "no-blend": () => B.blendWith(),
  };
  const TOOLS_OF_ONE = {
    lighter: (key) => B.weigh(key, -1), heavier: (key) => B.weigh(key, 1), across: (key) => B.across(key), lock: (key) => B.lock(key),
    earlier: () => B.move(B.picked.side, B.picked.at, B.picked.at - 1), later: () => B.move(B.picked.side, B.picked.at, B.picked.at + 1),
    remove: (key) => B.remove(B.picked.side, key), star: (key) => B.star(key), blend: (key) => B.blendFrom(key),
  };
  function used(tool) {
    const key = current();
    if (TOOLS[tool]) TOOLS[tool](); else if (key) TOOLS_OF_ONE[tool](key);
  }

  // -- keys -------------------------------------------------------------------------------------------------------
  function onKey(event) {
    if (event.isComposing || event.keyCode === 229 || event.ctrlKey || event.metaKey) return;
    if (event.target.matches(".bkfind input")) return onSearchKey(event);
    if (event.target.matches("input, textarea, select")) return;
    if (event.target.matches("[role=tab], [role=radio]") && event.key.startsWith("Arrow")) return choose(event);
    const chip = event.target.closest(".ct"), tag = event.target.closest(".bktag[data-spell]");
    if (chip && onChipKey(event, chip)) return event.preventDefault();
    if (tag && onTagKey(event, B.known.spells[tag.dataset.spell])) return event.preventDefault();
    if (event.key.toLowerCase() === "r" && !event.altKey) { event.preventDefault(); return diceByKey(); }
    if (event.key.startsWith("Arrow") && !event.altKey && (tag || chip)) walk(event, tag ? ".bktag .tb" : ".ct .cb");
  }
  const focusChosen = (role) => $(`[role=${role}][aria-selected=true], [role=${role}][aria-checked=true]`, B.place)?.focus();
  function choose(event) { // the one beside it, in a circle; what is drawn anew then has the focus again
    const { target } = event, role = target.getAttribute("role"), all = $$(`[role=${role}]:not([disabled])`, target.parentElement);
    event.preventDefault();
    event.stopPropagation();
    all[(all.indexOf(target) + (/Left|Up/.test(event.key) ? -1 : 1) + all.length) % all.length].click();
    focusChosen(role);
  }
  function diceByKey() { // of the chapter that is open, else for the whole prompt
    const one = B.open.pane === "spells" && !B.query && B.chapter();
    if (one && one.part !== "own") B.throwDice(one.id, ""); else B.throwWhole();
  }
  function onSearchKey(event) {
    if (event.key === "Escape" && B.query) { event.stopPropagation(); forget(); }
    const first = event.key === "Enter" && B.query && S.search(B.known, B.query)[0];
    if (first) { event.preventDefault(); B.toggle(first); }
    if (event.key === "ArrowDown") { event.preventDefault(); $(".bktag .tb", B.place)?.focus(); }
  }
  function forget() {
    const field = $(".bkfind input", B.place);
    field.value = "";
    search("");
    field.focus();
  }
  const SCALE = { "+": 1, "=": 1, "-": -1, "−": -1 };
  function onTagKey(event, spell) {
    const key = event.key.toLowerCase();
    if (SCALE[key]) { B.weigh(spell.key, SCALE[key]); return true; }
    if (key === "l" && B.sideOf(spell.key)) { B.lock(spell.key); return true; }
    if (key === "f" && !spell.own) { B.star(spell.key); return true; }
    return false;
  }
  function onChipKey(event, chip) {
    const { side, at, key } = chip.dataset, by = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
    if (event.altKey && by) { shift(side, Number(at), Number(at) + by); return true; }
    if (SCALE[event.key]) { B.weigh(key, SCALE[event.key]); return true; }
    if (event.key === "Delete" || event.key === "Backspace") { removeAt(side, key, Number(at)); return true; }
    if (event.key.toLowerCase() === "l") { B.lock(key); return true; }
    return false;
  }
  const focusChip = (side, at) => ($(`.ct[data-side="${side}"][data-at="${at}"] .cb`, B.place) || $(".ct .cb", B.place) || $(".bkfind input", B.place))?.focus();
  function shift(side, from, to) { B.move(side, from, to); focusChip(side, Math.max(0, Math.min(to, B.chosen(side).length - 1))); }
  function removeAt(side, key, at) { B.remove(side, key); focusChip(side, Math.max(0, at - 1)); }

  function walk(event, query) {
    const all = $$(query, B.place), at = all.indexOf(event.target.closest("button"));
    const next = all[at + (/Left|Up/.test(event.key) ? -1 : 1)];
    event.preventDefault();
    event.stopPropagation();
    next?.focus();
  }

  function search(text) {
    B.query = text.trim();
    B.drawPane();
    B.refresh();
  }

  // -- dragging a chosen one: at once with a mouse, after a long press with a finger -------------------------------
  function onDown(event) {
    const chip = event.target.closest?.(".ct");
    if (!chip || event.button) return;
    const touch = event.pointerType !== "mouse";
    dragging = { chip, id: event.pointerId, x: event.clientX, y: event.clientY, on: !touch, moved: false };
    if (touch) dragging.timer = setTimeout(() => { if (dragging?.chip === chip) { dragging.on = true; chip.classList.add("drag"); } }, LONG_PRESS);
  }
  function onMove(event) {
    if (!dragging || event.pointerId !== dragging.id) return;
    const far = Math.hypot(event.clientX - dragging.x, event.clientY - dragging.y) > 5;
    if (!dragging.on) { if (far) dropped(false); return; } // the row is being scrolled
    if (!far && !dragging.moved) return;
    event.preventDefault();
    dragging.moved = true;
    dragging.chip.classList.add("drag");
    const over = document.elementFromPoint(event.clientX, event.clientY)?.closest(".ct");
    if (!over || over === dragging.chip || over.dataset.side !== dragging.chip.dataset.side) return;
    const middle = over.getBoundingClientRect();
    const before = event.clientX < middle.left + middle.width / 2;
    over[before ? "before" : "after"](dragging.chip);
  }
  function onUp(event) { if (dragging && event.pointerId === dragging.id) dropped(true); }
  function dropped(keepIt) {
    const { chip, moved, timer } = dragging, row = chip.parentElement;
    clearTimeout(timer);
    chip.classList.remove("drag");
    const to = row ? $$(".ct", row).indexOf(chip) : -1, from = Number(chip.dataset.at);
    setTimeout(() => { dragging = null; }, 0); // the click that ends a drag is no click
    if (!keepIt) dragging = null;
    if (keepIt && moved && to >= 0 && to !== from) { B.picked = null; B.move(chip.dataset.side, from, to); } else if (moved) B.refresh();
  }
  document.addEventListener("pointermove", onMove, { passive: false });
  document.addEventListener("pointerup", onUp);
  document.addEventListener("pointercancel", () => { if (dragging) dropped(false); });
  document.addEventListener("touchmove", (event) => { if (dragging?.on) event.preventDefault(); }, { passive: false });

  // -- the slash goes to the search -------------------------------------------------------------------------------
  let wanted = false; // the search shall have the focus as soon as the tab is there
  function focusSearch() {
    const field = wanted && B.place && B.known && $(".bkfind input", B.place);
    if (!field) return;
    setTimeout(() => { field.focus(); wanted = false; }, 0);
  }
  B.shown = () => { B.showChapter(); focusSearch(); };
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input, textarea, select, [contenteditable=true]");
    if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (!B.strip || !["create", undefined].includes(document.body.dataset.page)) return;
    event.preventDefault();
    B.show();
    wanted = true;
    if (B.place?.offsetParent) focusSearch();
  });
})(window.studio.book);
