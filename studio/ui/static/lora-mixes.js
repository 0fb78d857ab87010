// Mixes that somebody saved under a name: the mix that is chosen now is saved, a saved one is used again in one click.
((L) => {
  const { $, t, icon, escape, number } = L;
  L.mixes = [];
  const LONGEST = 60; // letters of a name
  // What is being named: nothing, the mix that is chosen now ("new"), or a saved one by its id; and what is typed.
  let naming = "", name = "", refused = "", busy = false;
  let deleted = null, before = null; // what can be had back: the mix deleted last, and what was chosen before one was used

  const same = (one, other) => one.trim().toLowerCase() === other.trim().toLowerCase();
  const chosen = () => L.uses.filter((use) => !use.muted).map(({ muted, ...use }) => use);
  const weights = ({ weight, text_encoder_weight: text }) => [weight, text ?? weight].join();
  const inHand = (mix) => {
    const uses = L.uses.filter((use) => !use.muted);
    return uses.length === mix.uses.length && mix.uses.every((use) => uses.some((one) => one.id === L.stands(use)?.id && weights(one) === weights(use)));
  };
  L.stands = (use) => L.card(use.id) || (use.name ? L.named(use.name) : undefined);
  const called = (use) => { const card = L.stands(use); return card ? L.said(card.title) : use.name || use.id; };

  // -- drawing ------------------------------------------------------------------------------------------------------
  const tool = (act, id, sign, words) => `<button type="button" class="ib bare sm" data-lora="${act}" data-id="${escape(id)}">${icon(sign)}<span class="tip">${words}</span></button>`;
  L.saveHtml = () => (chosen().length && naming !== "new" ? `<span class="sp"></span><button type="button" class="btn link" data-lora="mix_save">${icon("bookmark", "sm")}<span>${t("mix_save")}</span></button>` : "");
  L.mixesHtml = () => {
    const rows = L.mixes.map((mix) => (naming === mix.id ? formHtml(mix.id, "mix_keep") : rowHtml(mix))), anew = naming === "new";
    if (deleted) rows.push(`<li class="lokept" data-id="gone"><span class="t13 i2 grow" role="status">${t("mix_deleted", { mix: escape(deleted.name) })}</span><button type="button" class="btn link" data-lora="mix_restore">${t("mix_restore")}</button></li>`);
    if (!rows.length && !anew) return "";
    const back = before ? `<button type="button" class="btn link" data-lora="mix_before">${icon("undo-2", "sm")}<span>${t("mix_before")}</span></button>` : "";
    const replaces = anew && L.mixes.some((mix) => same(mix.name, name));
    return `<section class="lomixes" aria-label="${t("mixes")}"><header class="lohead"><b>${t("mixes")}</b><span class="sp"></span>${back}</header>`
      + `<ul>${anew ? formHtml("new", replaces ? "mix_replace" : "mix_keep") : ""}${rows.join("")}</ul></section>`;
  };
  function rowHtml(mix) {
    const label = escape(mix.name), gone = L.known ? mix.uses.filter((use) => !L.stands(use)).map(called) : [];
    const what = mix.uses.map((use) => `${called(use)} ${number(use.weight)}${use.text_encoder_weight === null ? "" : ` (${L.plain("text_at", { weight: number(use.text_encoder_weight) })})`}`);
    const missing = gone.length ? `<p class="told lobad">${icon("triangle-alert", "sm")}<span>${t("mix_missing", { loras: escape(gone.join(L.lang() === "zh" ? "、" : ", ")) })}</span></p>` : "";
    return `<li class="lokept" data-id="${escape(mix.id)}"><div class="grow"><button type="button" class="lokpick" data-lora="mix_use" data-id="${escape(mix.id)}" data-pressed="${inHand(mix)}"><b class="ell">${label}</b><small class="num">${escape(what.join(" · "))}</small></button>${missing}</div>`
      + `${tool("mix_rename", mix.id, "pencil", t("mix_rename", { mix: label }))}${tool("mix_delete", mix.id, "trash-2", t("mix_delete", { mix: label }))}</li>`;
  }
  function formHtml(id, key) {
    const wrong = refused ? `<p class="err rferr" role="alert">${icon("triangle-alert", "sm")}<span>${escape(refused)}</span></p>` : "";
    return `<li class="lokept lonaming" data-id="naming-${escape(id)}"><form class="lomixname"><input name="mix" maxlength="${LONGEST}" placeholder="${t("mix_name")}" aria-label="${t("mix_name")}" data-value="${escape(name)}" autocomplete="off">`
      + `<button class="btn small"${busy || !name.trim() ? " disabled" : ""}>${t(key)}</button>${tool("mix_cancel", id, "x", t("mix_cancel"))}</form>${wrong}</li>`;
  }

  // -- hands --------------------------------------------------------------------------------------------------------
  const byId = (id) => L.mixes.find((mix) => mix.id === id);
  const at = (act, id) => $(`.lomixes [data-lora=${act}]${id ? `[data-id="${CSS.escape(id)}"]` : ""}`, L.place);
  function begin(id, text) {
    [naming, name, refused] = [id, text, ""];
    L.draw();
    const field = $(".lomixname input", L.place);
    field.value = text;
    field.select();
    field.focus();
  }
  function end(focus) {
    const was = naming;
    [naming, name, refused] = ["", "", ""];
    L.draw();
    (focus || (was === "new" ? $(".lomix [data-lora=mix_save]", L.place) : at("mix_rename", was)))?.focus();
  }
  async function change(path, more) { // the mixes as they are then, or null and why not
    busy = true;
    try { L.mixes = (await L.ask(`/mixes${path}`, more)).mixes; return L.mixes; } catch (error) { refused = error.message; return null; } finally { busy = false; L.draw(); }
  }
  const json = (body) => ({ method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  async function save() {
    const wanted = name.trim(), anew = naming === "new";
    if (!wanted || busy) return;
    refused = "";
    const done = anew ? await change("", json({ name: wanted, uses: chosen() })) : await change(`/${encodeURIComponent(naming)}`, json({ name: wanted }));
    if (!done) return $(".lomixname input", L.place)?.focus();
    if (anew) deleted = null;
    const kept = done.find((mix) => same(mix.name, wanted));
    end();
    if (kept) at("mix_use", kept.id)?.focus();
    if (anew) L.say("mix_saved", { mix: escape(wanted) });
  }
  Object.assign(L.acts, {
    mix_save: () => begin("new", ""),
    mix_rename: (use, { id }) => begin(id, byId(id).name),
    mix_cancel: () => end(),
    mix_use: (use, { id }) => {
      const mix = byId(id);
      if (inHand(mix)) return;
      before = L.uses.length && !L.mixes.some(inHand) ? L.uses : null; // what is saved is not lost
      L.choose(mix.uses);
    },
    mix_before: () => { const uses = before; before = null; L.choose(uses); },
    mix_delete: async (use, { id }) => {
      const mix = byId(id);
      if (!(await change(`/${encodeURIComponent(id)}`, { method: "DELETE" }))) return L.toast(escape(refused));
      deleted = mix;
      L.draw();
      at("mix_restore")?.focus();
    },
    mix_restore: async () => {
      const { name: wanted, uses } = deleted;
      if (!(await change("", json({ name: wanted, uses })))) return L.toast(escape(refused));
      deleted = null;
      L.draw();
      at("mix_use", L.mixes.find((mix) => same(mix.name, wanted))?.id)?.focus();
    },
  });
  const ours = (event) => event.target.closest?.("#lora .lomixname");
  document.addEventListener("input", (event) => { if (ours(event)) { name = event.target.value; refused = ""; L.draw(); } });
  document.addEventListener("submit", (event) => {
    if (!ours(event)) return;
    event.preventDefault();
    event.stopPropagation(); // the shelf takes a form for that of a repository
    save();
  }, true);
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !ours(event) || event.isComposing) return;
    event.stopPropagation(); // elsewhere it stops what is painted
    end();
  }, true);
})(window.studio.lora);
