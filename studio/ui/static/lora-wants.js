// What a LoRA wants to be painted with: a few steps, a sampler, little guidance. One click sets them; another, or taking
// the LoRA out, gives back what stood there before, unless somebody changed it meanwhile.
((L) => {
  const { $, t, icon, escape } = L;
  const NAMES = ["sampler", "steps", "guidance"];
  const before = new Map(); // by LoRA: the model they were set for, and what stood there
  let next = [];

  function now() {
    const values = window.studio.kept() || [], names = ($("#anatomy [data-fields]")?.dataset.fields || "").split(" ");
    return NAMES.map((name) => values[names.indexOf(name)]);
  }
  const wanted = (card) => NAMES.map((name) => card.wants[name]);
  const isSet = (card) => now().every((value, at) => value === wanted(card)[at]);
  const remembered = (card) => (before.get(card.id)?.model === L.told().model ? before.get(card.id).values : null);

  L.wanted = () => next; // the page asks for it when it is pressed
  function set(values) {
    next = values;
    $("#lora [data-do=wants]").click();
  }
  L.wantsHtml = (card) => {
    if (!card?.wants || !card.fits) return "";
    const { steps, guidance } = card.wants, done = isSet(card);
    const link = (act, key) => `<button type="button" class="btn link" data-lora="${act}" data-id="${escape(card.id)}">${t(key)}</button>`;
    const act = !done ? link("wants", "wants_do") : remembered(card) ? link("unwant", "wants_undo") : `<span class="loset">${icon("check", "xs")}${t("wants_set")}</span>`;
    return `<p class="told lowants"><span>${t("wants", { steps, guidance, sampler: escape(card.wants_sampler) })}</span>${act}</p>`;
  };
  function giveBack(card) {
    const values = card?.wants && remembered(card);
    if (!values) return;
    if (isSet(card)) { set(values); L.say("wants_back"); }
    before.delete(card.id);
  }
  L.acts.wants = (use, { id }) => {
    const card = L.card(id);
    const values = now();
    if (!values.includes(undefined)) before.set(id, { model: L.told().model, values });
    set(wanted(card));
  };
  L.acts.unwant = (use, { id }) => giveBack(L.card(id));
  const remove = L.remove;
  L.remove = (id) => { remove(id); giveBack(L.card(id)); };
})(window.studio.lora);
