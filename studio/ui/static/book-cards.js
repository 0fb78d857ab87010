// Scenes and styles: cards, those of the book and one's own.
((B) => {
  const { $, $$, t, pick, escape, icon, tipped } = B;

  B.stylesBox = () => $("#styles textarea, #styles input");
  B.styles = () => (B.stylesBox()?.value || "").split(" ").filter(Boolean);
  B.wear = (next) => {
    const field = B.stylesBox();
    if (!field) return;
    field.value = next.join(" ");
    field.dispatchEvent(new Event("input", { bubbles: true }));
    B.refresh();
  };
  B.wearOrNot = (id) => {
    const on = B.styles().includes(id);
    B.wear(on ? B.styles().filter((one) => one !== id) : [...B.styles(), id]);
    if (!on) B.used([id]);
  };

  B.everyScene = () => [...B.mine.scenes, ...B.known.book.scenes.flatMap((group) => group.scenes)];
  B.everyStyle = () => [...B.mine.styles, ...B.known.book.styles.flatMap((group) => group.styles)];

  function namesOf(models) { // the first two will do: the others are larger ones
    const titles = JSON.parse(B.data().titles || "{}");
    return models.slice(0, 2).map((one) => (titles[one] ? pick(titles[one]) : one)).join(B.lang() === "zh" ? "、" : ", ");
  }
  const told = (text) => `<em>${icon("info")}<span>${text}</span></em>`;
  const card = (one, inner) => `<div class="bkcell">${inner}${one.id.startsWith("own-") ? B.pencilHtml(one) : B.starHtml(one.id, pick(one.title))}</div>`;

  // -- scenes -----------------------------------------------------------------------------------------------------
  B.scenesHtml = () => group("own", [t("book.mine"), t("book.mine")], B.mine.scenes, B.sceneHtml)
    + B.known.book.scenes.map((one) => group(one.id, one.title, one.scenes, B.sceneHtml)).join("");
  function group(id, title, all, draw) {
    return all.length ? `<section data-group="${id}"><h4>${id === "own" ? title[0] : escape(pick(title))}</h4><div class="bkcards">${all.map(draw).join("")}</div></section>` : "";
  }
  B.sceneHtml = (scene) => {
    const wants = scene.wants || [], fits = !wants.length || [B.data().model, B.data().family].some((one) => wants.includes(one));
    const why = fits ? "" : told(t("book.wants", { models: namesOf(wants) }));
    const lora = scene.lora ? told(t(`book.wants_lora${B.loraStands?.(scene.lora.name) === "away" ? "_away" : ""}`, { lora: scene.lora.name })) : "";
    return card(scene, `<button type="button" class="bkcard" data-do="scene" data-scene="${scene.id}"><b>${escape(pick(scene.title))}</b><small>${escape(pick(scene.prompt))}</small><span class="num">${scene.aspect}</span>${why}${lora}</button>`);
  };

  // -- styles -----------------------------------------------------------------------------------------------------
  B.stylesHtml = () => `<p class="bkhint">${t("book.styles_hint")}</p>` + group("own", [t("book.mine"), t("book.mine")], B.mine.styles, B.styleHtml)
    + B.known.book.styles.map((one) => group(one.id, one.title, one.styles, B.styleHtml)).join("");
  B.styleHtml = (style) => {
    const fits = !style.families?.length || style.families.includes(B.data().family);
    const why = fits ? "" : told(t("book.wants", { models: namesOf(style.families) }));
    const words = pick(style.note || style.prompt).replace("{prompt}", "…");
    const shown = style.thumbnail ? `<img src="thumbnails/${style.id}.webp" alt="" width="72" height="72" loading="lazy">` : "";
    return card(style, `<button type="button" class="bkcard${shown && " shown"}" data-style="${style.id}" aria-pressed="false">${shown}<b>${escape(pick(style.title))}</b><small>${escape(words)}</small><span class="num"></span>${why}</button>`);
  };

  B.refreshCards = () => { // the scene whose words stand in the prompt, and the styles around it
    const worn = B.styles(), text = B.textOf("prompt").trim();
    for (const card of $$(".bkcard", B.place)) {
      const scene = card.dataset.scene && B.everyScene().find((one) => one.id === card.dataset.scene);
      const at = worn.indexOf(card.dataset.style), on = scene ? Boolean(text) && scene.prompt.includes(text) : at >= 0;
      card.classList.toggle("on", on);
      card.setAttribute("aria-pressed", String(on));
      if (card.dataset.style) $("span", card).textContent = worn.length > 1 && on ? at + 1 : "";
    }
  };

  document.addEventListener("click", (event) => { if (event.target.closest?.("[data-local=styles]")) B.wear([]); });
})(window.studio.book);
