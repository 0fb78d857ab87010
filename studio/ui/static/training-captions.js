// Captions that a captioner writes: who can, what is asked for, how far it is, and where what it wrote goes.
((L, T) => {
  const { icon, escape, pick } = L, { t } = T;
  const SOON = 700; // milliseconds between two looks
  let known = [], news = null, wrong = "", sending = false, looking = 0;

  const chosen = () => known.find((one) => one.id === T.form.captioner) || known[0];
  const bare = () => T.form.pictures.filter((one) => !one.caption.trim());
  const wanted = () => (T.form.rewrite ? T.form.pictures : bare());

  // -- the studio ---------------------------------------------------------------------------------------------------
  async function find() {
    try { known = (await T.ask("/captions")).captioners; } catch (error) { /* then nothing is offered */ }
    L.draw();
  }
  const show = T.show;
  T.show = (id = "") => { show(id); if (!id) { find(); follow(); } };

  T.write = async () => {
    const pictures = wanted(), was = Object.fromEntries(pictures.map(({ picture, caption }) => [picture, caption]));
    if (sending || T.form.writing || !pictures.length) return;
    [sending, news, wrong] = [true, null, ""];
    L.draw();
    try {
      const { id } = await T.post("/captions", { captioner: chosen().id, pictures: Object.keys(was) });
      T.set({ writing: { id, was, of: pictures.length } });
    } catch (error) { wrong = escape(error.message); }
    sending = false;
    L.draw();
    follow();
  };
  T.stopWriting = () => {
    const { writing } = T.form;
    if (!writing) return;
    T.post(`/captions/${writing.id}/cancel`).catch(() => { /* it is over, or the studio is away and ends it */ });
    over();
  };
  function over() { clearTimeout(looking); T.set({ writing: null }); L.draw(); }

  async function follow() { // until it is over, also after a reload
    clearTimeout(looking);
    const { writing } = T.form;
    if (!writing) return;
    try {
      const told = await T.ask(`/captions/${writing.id}`);
      if (T.form.writing?.id !== writing.id) return;
      news = told;
      fill(told.captions);
      if (!T.active(told)) return ended(told);
    } catch (error) {
      if (error.refused) { wrong = t("write_lost"); return over(); } // it is kept nowhere, and the studio was restarted
    }
    L.draw();
    looking = setTimeout(follow, SOON);
  }
  function fill(captions) { // what a person typed meanwhile stays
    const { writing, pictures } = T.form;
    for (const { picture, caption } of pictures) {
      if (!(picture in captions) || !(picture in writing.was)) continue;
      const before = writing.was[picture];
      delete writing.was[picture];
      if (caption === before) T.caption(picture, captions[picture]);
    }
  }
  function ended(told) {
    if (told.why) wrong = pick(told.why);
    over();
    if (told.state === "done") L.toast(t("written", { n: told.pictures }));
    find(); // it is here now
  }

  // -- in the table -------------------------------------------------------------------------------------------------
  T.chooseWriter = (field) => {
    wrong = "";
    T.set(field.type === "checkbox" ? { rewrite: field.checked } : { captioner: field.value });
    L.draw();
  };
  T.writer = () => {
    if (!known.length && !T.form.writing) return "";
    const trouble = wrong ? `<p class="err" role="alert">${icon("triangle-alert", "sm")}<span>${wrong}</span></p>` : "";
    return `<div class="trwrite">${T.form.writing ? progress() : offer()}${trouble}</div>`;
  };
  function offer() {
    const one = chosen(), none = !wanted().length, some = bare().length < T.form.pictures.length;
    const choice = known.length > 1 ? `<label class="rfpick"><span class="sr">${t("writer")}</span><select data-captioner data-value="${escape(one.id)}">${known.map(option).join("")}</select></label>` : "";
    const again = some ? `<label class="rfcheck"><input type="checkbox" data-captioner ${T.form.rewrite ? "checked" : ""}><span>${t("rewrite")}</span></label>` : "";
    const size = one.place === "hub" ? t("writer_fetched", { writer: pick(one.title), size: L.bytes(one.bytes) }) : "";
    const hint = none ? t("written_all") : [size, t(T.form.rewrite ? "rewrites_english" : "writes_english")].filter(Boolean).join(L.lang() === "zh" ? "" : " ");
    return `<div class="tracts"><button type="button" class="btn" data-slot="write" data-watch="write"${none || sending ? " disabled" : ""}>${icon("wand-sparkles", "sm")}<span>${t("write")}</span></button>${choice}${again}</div><p class="t12 i2">${hint}</p>`;
  }
  const option = (one) => `<option value="${escape(one.id)}" title="${one.note ? pick(one.note) : ""}">${[pick(one.title), one.place === "hub" ? t("fetched_first") : ""].filter(Boolean).join(" · ")}</option>`;
  function progress() {
    const { of } = T.form.writing, done = Object.keys(news?.captions || {}).length, { fetching } = news || {};
    const share = fetching ? fetching.done / Math.max(1, fetching.total) : done / of;
    return `<div class="trup" role="status"><div class="lobar"><u style="width:${100 * share}%"></u></div><small class="i2 num">${status(done, of)}</small></div><div class="tracts"><button type="button" class="btn" data-slot="stop" data-watch="stop_writing"><span>${t("write_stop")}</span></button></div>`;
  }
  function status(done, of) {
    if (news?.fetching) return t("write_fetching", { done: L.bytes(news.fetching.done), total: L.bytes(news.fetching.total) });
    if (news?.place) return t("write_waits");
    return news?.loading && !done ? t("write_loads") : t("write_progress", { n: done, of });
  }
})(window.studio.lora, window.studio.training);
