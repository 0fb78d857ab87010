// The book's tab: drawn whole once, then only what changed.
((B) => {
  const { S, $, $$, SIDES, ICONS, t, pick, escape, icon, tipped, numbered, mainOf, secondOf, lang } = B;
  const EXAMPLES = { en: "soft light / 软光 / ruanguang", zh: "软光 / ruanguang / soft light" };
  const MOST_FOUND = 80;
  const PANES = ["spells", "scenes", "styles"];

  B.draw = () => {
    if (!B.place || !B.known) return;
    const back = B.holdForm();
    B.place.innerHTML = `<div class="bkchosen"><div class="bkrows"></div><div class="bkdeal"></div></div>${searchField()}<div class="bkpanes" role="tablist">${panes()}</div><div class="bkpane"></div><button type="button" hidden data-do="negative"></button>`;
    B.drawPane();
    B.refresh();
    B.drawDeal();
    back();
  };

  function searchField() {
    return `<div class="bkfind">${icon("search")}<input type="search" placeholder="${EXAMPLES[lang()]}" aria-label="${t("book.search_label")}"
      value="${escape(B.query)}" autocomplete="off" spellcheck="false" enterkeyhint="search"><kbd class="kbd">/</kbd><button type="button" class="ib bare sm" data-tool="forget">${icon("x")}${tipped("book.forget")}</button></div>`;
  }

  function panes() { // styles need the form's own field, which keeps them
    const all = PANES.filter((name) => name === "spells" || (B.known.book[name].length && (name === "scenes" || B.stylesBox())));
    return all.map((name) => `<button type="button" role="tab" data-pane="${name}" aria-selected="${name === B.open.pane}">${t("book." + name)}</button>`).join("");
  }

  B.drawPane = () => {
    const pane = $(".bkpane", B.place), open = B.open.pane;
    if (!pane) return;
    const back = B.holdForm();
    $$("[data-pane]", B.place).forEach((tab) => tab.setAttribute("aria-selected", String(tab.dataset.pane === open && !B.query)));
    pane.className = "bkpane " + (B.query ? "found" : open);
    if (B.query) pane.innerHTML = foundHtml();
    else if (open === "scenes") pane.innerHTML = B.scenesHtml();
    else if (open === "styles") pane.innerHTML = B.stylesHtml();
    else pane.innerHTML = `<nav class="bknav" aria-label="${t("book.chapters")}">${chaptersHtml()}</nav><div class="bkshelf">${chapterHtml()}</div>`;
    B.showChapter();
    back();
  };
  B.showChapter = () => { // by hand: scrollIntoView would move the page as well
    const nav = B.place && $(".bknav", B.place), now = nav && $("[aria-current=true]", nav);
    if (!now) return;
    nav.scrollTop = now.offsetTop - nav.offsetTop - (nav.clientHeight - now.offsetHeight) / 2;
    nav.scrollLeft = now.offsetLeft - nav.offsetLeft - (nav.clientWidth - now.offsetWidth) / 2;
  };

  // -- chapters ---------------------------------------------------------------------------------------------------
  const own = () => B.ownChapters();
  B.chapters = () => B.known.book.chapters;
  B.chapter = () => own().find((one) => one.id === B.open.chapter) || B.chapters().find((one) => one.id === B.open.chapter)
    || B.chapters().find((one) => one.element === "light") || B.chapters()[0];
  const iconOf = (one) => ICONS[one.id] || ICONS[one.part === "negative" ? "negative" : one.element] || "book-open";

  function chaptersHtml() {
    const rows = (all) => all.map((one) => `<button type="button" data-chapter="${one.id}" aria-current="${one === B.chapter() || one.id === B.chapter()?.id}">${icon(iconOf(one))}<span>${escape(pick(one.title))}</span><em></em></button>`).join("");
    return rows(own()) + S.PARTS.map((part) => {
      const those = B.chapters().filter((one) => one.part === part);
      return those.length ? `<h6>${t("book.part." + part)}</h6>${rows(those)}` : "";
    }).join("");
  }

  function chapterHtml() {
    const one = B.chapter();
    if (!one) return "";
    const isOwn = one.part === "own", dice = isOwn ? "" : diceHtml(one.id, "");
    const head = `<header>${icon(iconOf(one))}<h3>${escape(pick(one.title))}</h3>${dice}<p>${escape(pick(one.note))}</p></header>`;
    return head + (isOwn ? B.ownChapterHtml(one.id) : one.groups.map((group) => groupHtml(one, group)).join(""));
  }
  function diceHtml(chapter, group) {
    const key = group ? "book.dice_group" : "book.dice_chapter";
    return `<button type="button" class="ib bare sm dice" data-dice="${chapter}" data-of="${group}">${icon("dices")}${tipped(key)}</button>`;
  }

  function groupHtml(one, group) {
    const spells = B.known.spells.filter((spell) => spell.chapter === one.id && spell.group === group.id);
    const only = group.one ? `<small>${t("book.one")}</small>` : "", dice = one.groups.length > 1 ? diceHtml(one.id, group.id) : "";
    return `<section data-group="${group.id}"><h4>${escape(pick(group.title))}${only}${dice}</h4><div class="bktags">${spells.map(B.tagHtml).join("")}</div></section>`;
  }

  B.tagHtml = (spell) => {
    const second = secondOf(spell) === mainOf(spell) ? "" : `<small lang="${lang() === "zh" ? "en" : "zh-CN"}">${escape(secondOf(spell))}</small>`;
    return `<div class="bktag" data-spell="${spell.at}"><button type="button" class="tb" aria-pressed="false"><span>${escape(mainOf(spell))}</span>${second}</button>${B.starHtml(spell.key, mainOf(spell))}</div>`;
  };

  function foundHtml() {
    const mine = B.ownFound(B.query), found = S.search(B.known, B.query), all = mine.length + found.length;
    if (!all) return `<p class="bknone">${t("book.nothing", { text: B.query })}</p>`;
    const title = all > MOST_FOUND ? t("book.found_first", { n: MOST_FOUND, all }) : t("book.found", { n: all });
    const tags = [...mine.map(B.ownTagHtml), ...found.slice(0, MOST_FOUND - mine.length).map(B.tagHtml)];
    return `<div class="bkshelf"><section><h4>${title}</h4><div class="bktags">${tags.join("")}</div></section></div>`;
  }

  // -- what changes with the prompt -------------------------------------------------------------------------------
  B.refresh = () => {
    if (!B.known) return;
    const chosen = Object.fromEntries(SIDES.map((side) => [side, B.chosen(side)]));
    if (B.place && $(".bkchosen", B.place)) {
      refreshTags(chosen);
      refreshChosen(chosen);
      refreshCounts(chosen);
      B.refreshCards();
    }
    B.refreshFigure();
    badge(chosen.prompt.length);
  };

  function refreshTags(chosen) {
    const lit = new Map();
    for (const side of SIDES) for (const term of chosen[side]) if (!lit.has(term.key)) lit.set(term.key, { term, side });
    const said = S.mentions(besides(chosen.prompt), B.known);
    for (const tag of $$(".bktag[data-spell]", B.place)) {
      const spell = B.known.spells[tag.dataset.spell], now = spell && lit.get(spell.key);
      const mark = now ? `${now.side} ${now.term.weight} ${B.locked(spell.key)}` : said.has(spell) ? "said" : "";
      if ((tag.dataset.mark || "") !== mark) remark(tag, spell, now, mark);
    }
    for (const tag of $$(".bktag[data-own]", B.place)) {
      const on = B.ownIsOn(tag.dataset.own);
      tag.classList.toggle("on", on);
      $(".tb", tag).setAttribute("aria-pressed", String(on));
    }
  }

  function besides(terms) { // the words that are no spell of their own
    let text = S.render(B.parts.prompt);
    for (const term of terms) text = text.slice(0, term.from) + ",".repeat(term.to - term.from) + text.slice(term.to);
    return text;
  }

  function remark(tag, spell, now, mark) {
    tag.dataset.mark = mark;
    tag.classList.toggle("on", Boolean(now));
    tag.classList.toggle("said", mark === "said");
    $(".tb", tag).setAttribute("aria-pressed", String(Boolean(now)));
    const focus = tag.contains(document.activeElement) ? document.activeElement.dataset.by : null;
    $$(".st,.tb .bi", tag).forEach((old) => old.remove());
    if (!now) { if (focus) $(".tb", tag).focus(); return; }
    const other = now.side !== B.home(spell) ? icon("ban") : "", locked = B.locked(spell.key) ? icon("lock") : "";
    $(".tb", tag).insertAdjacentHTML("beforeend", other + locked);
    $(".tb", tag).insertAdjacentHTML("afterend", stepper(now.term.weight, spell));
    if (focus) ($(`[data-by="${focus}"]:not(:disabled)`, tag) || $(".tb", tag)).focus();
  }

  function stepper(weight, spell) {
    const button = (by, sign, key, off) => `<button type="button" data-by="${by}" aria-label="${t(key, { spell: mainOf(spell) })}"${off ? " disabled" : ""}>${icon(sign)}</button>`;
    return `<span class="st">${button(-1, "minus", "book.lighter", weight <= S.LEAST)}<b class="num">${numbered(weight)}</b>${button(1, "plus", "book.heavier", weight >= S.MOST)}</span>`;
  }

  // -- what is chosen ---------------------------------------------------------------------------------------------
  function refreshChosen(chosen) {
    const card = $(".bkrows", B.place), all = SIDES.flatMap((side) => chosen[side]);
    const negative = chosen.negative.filter((term) => term.own || (B.chapter()?.part === "negative" && B.open.pane === "spells"));
    const focus = card.contains(document.activeElement) ? keyOf(document.activeElement) : null;
    const scrolled = $(".chips", card)?.scrollLeft;
    card.innerHTML = headHtml(chosen.prompt.length, all) + rowHtml("prompt", chosen.prompt) + (negative.length ? rowHtml("negative", chosen.negative) : "") + offerHtml() + B.blendHint() + toolsHtml(chosen);
    if (scrolled) $(".chips", card).scrollLeft = scrolled;
    if (focus) (card.querySelector(focus) || $(".tbx", card))?.focus({ preventScroll: true });
  }
  function keyOf(element) {
    if (element.dataset.tool) return `[data-tool="${element.dataset.tool}"]`;
    const chip = element.closest(".ct");
    return chip ? `.ct[data-side="${chip.dataset.side}"][data-at="${B.picked?.at ?? chip.dataset.at}"] .cb` : null;
  }

  function headHtml(count, all) {
    const own = all.some((term) => term.own && !B.locked(term.key)), locked = all.length > 0 && all.every((term) => B.locked(term.key));
    const order = B.open.dragged || !all.some((term) => term.own) ? "book.your_order" : "book.formula_order";
    const tool = (name, sign, key) => `<button type="button" class="ib bare sm" data-tool="${name}">${icon(sign)}${tipped(key)}</button>`;
    const lock = all.length ? tool("lock-all", locked ? "lock" : "lock-open", locked ? "book.unlock_all" : "book.lock_all") : "";
    const tools = tool("dice", "dices", "book.dice_whole") + lock + (own ? tool("clear", "trash-2", "book.clear") : "");
    return `<div class="bkhead"><b>${t("book.chosen", { n: count })}</b><span>${count ? t(order) : t("book.none_chosen")}</span><span class="sp"></span>${tools}</div>`;
  }

  function rowHtml(side, terms) {
    if (!terms.length) return "";
    const label = side === "negative" ? `<h5>${icon("ban")}${t("book.part.negative")}</h5>` : "";
    return `${label}<div class="chips" role="list" data-side="${side}">${terms.map((term, at) => chipHtml(side, term, at)).join("")}</div>`;
  }

  function chipHtml(side, term, at) {
    const on = B.picked?.side === side && B.picked.at === at;
    const weight = Math.abs(term.weight - 1) > 1e-6 ? `<em class="num">×${numbered(term.weight)}</em>` : "";
    const locked = B.locked(term.key) ? icon("lock") : "", fresh = B.dealt(term.key) ? " fresh" : "";
    return `<div class="ct${on ? " on" : ""}${fresh}" role="listitem" data-side="${side}" data-at="${at}" data-key="${escape(term.key)}">
      <button type="button" class="cb" aria-expanded="${on}">${icon("grip-vertical")}<span>${escape(mainOf(term.spell))}</span>${weight}${locked}</button></div>`;
  }

  function toolsHtml(chosen) {
    const picked = B.picked, term = picked && chosen[picked.side][picked.at];
    if (!term) { B.picked = null; return ""; }
    const last = chosen[picked.side].length - 1, locked = B.locked(term.key), starred = B.isFavourite(term.key);
    const tool = (name, sign, key, off = false, more = "") => `<button type="button" class="ib sm tbx${more}" data-tool="${name}"${off ? " disabled" : ""}>${icon(sign)}${tipped(key)}</button>`;
    const blend = picked.side === "prompt" && chosen.prompt.length > 1 ? B.blendTool(tool) : "";
    const star = term.spell.own ? "" : tool("star", "star", starred ? "book.unstar" : "book.star", false, starred ? " starred" : "");
    return `<div class="bktools" role="group" aria-label="${escape(mainOf(term.spell))}">${tool("lighter", "minus", "book.weigh_less", term.weight <= S.LEAST)}<b class="num">${numbered(term.weight)}</b>${tool("heavier", "plus", "book.weigh_more", term.weight >= S.MOST)}<span class="cut"></span>${
      tool("earlier", "arrow-left", "book.earlier", picked.at === 0)}${tool("later", "arrow-right", "book.later", picked.at === last)}<span class="cut"></span>${
      tool("across", picked.side === "prompt" ? "ban" : "rotate-ccw", picked.side === "prompt" ? "book.to_negative" : "book.to_prompt")}${
      tool("lock", locked ? "lock" : "lock-open", locked ? "book.unlock" : "book.lock")}${star}${blend}<span class="sp"></span>${tool("remove", "x", "book.remove")}</div>`;
  }

  function refreshCounts(chosen) {
    const counts = {};
    for (const side of SIDES) for (const term of chosen[side]) counts[term.spell.chapter] = (counts[term.spell.chapter] || 0) + 1;
    for (const row of $$("[data-chapter]", B.place)) $("em", row).textContent = counts[row.dataset.chapter] || "";
  }

  function offerHtml() { // a group of which one is best: the first can give way to the second
    const offer = B.offer, rivals = offer && B.sideOf(offer.spell.key) ? offer.rivals.filter((one) => B.sideOf(one.key)) : [];
    B.offer = rivals.length ? { ...offer, rivals } : null;
    if (!B.offer) return "";
    const names = B.listed(rivals.map(mainOf));
    return `<div class="bkoffer"><span>${t("book.replace_hint").replace("{old}", () => names).replace("{new}", () => escape(mainOf(offer.spell)))}</span><button type="button" class="btn sm" data-tool="replace">${t("book.replace")}</button><button type="button" class="btn quiet sm" data-tool="both">${t("book.keep_both")}</button></div>`;
  }

  const tab = () => $$("#ltabs > .tab-wrapper .tab-container:not(.visually-hidden) [role=tab]")[1];
  function badge(count) {
    const title = tab();
    if (title && count) title.dataset.count = count; else if (title) delete title.dataset.count;
  }
  B.show = () => { // the tab of the book
    if (tab() && tab().getAttribute("aria-selected") !== "true") tab().click();
  };
})(window.studio.book);
