// The server's answers that write into the form. What a person changes while it is asked is newer than what it answers
// and stays, and so does what was answered to whatever was asked later.
window.studio.answers = (() => {
  const waiting = new Map(); // by ticket: of every field what it may hold if nobody has changed it since
  const given = new Map(); // by field: what was answered last, which Gradio may still be setting
  const MOST = 50; // tickets: an answer that never came is forgotten in the end
  let last = 0;

  // What was typed just now has not come round through Gradio yet.
  const names = () => (document.querySelector("#anatomy [data-fields]")?.dataset.fields || "").split(" ");
  const typed = (name) => (["prompt", "negative"].includes(name) ? document.querySelector(`#${name} textarea`)?.value : undefined);
  const asWritten = (values) => { const known = names(); return values.map((value, at) => typed(known[at]) ?? value); };

  function asked([, ...values]) {
    const now = asWritten(values);
    waiting.set((last += 1), now.map((value) => [value]));
    if (waiting.size > MOST) waiting.delete(waiting.keys().next().value);
    return [last, ...now];
  }

  // In every slot lies what was answered last there: all that is new is taken up, in the order it was asked.
  function answered(values, slots) {
    const came = values.slice(0, slots).filter((answer) => waiting.has(answer?.ticket)).sort((a, b) => a.ticket - b.ticket);
    const form = values.slice(slots), now = asWritten(form), set = new Map();
    for (const answer of came) for (const [at, value] of taken(answer, now)) { set.set(at, value); now[at] = value; }
    return form.map((value, at) => (set.has(at) ? setting(at, value, set.get(at)) : undefined));
  }
  function taken({ ticket, fields }, now) {
    const was = waiting.get(ticket), own = new Map();
    waiting.delete(ticket);
    const told = Object.entries(fields).map(([at, field]) => [Number(at), field]).filter(([at]) => was[at].length);
    for (const [at, field] of told)
      if (field.whole || was[at].includes(now[at]) || !offered(field, now[at])) own.set(at, field.value);
    for (const [other, form] of waiting) {
      if (other < ticket) for (const [at] of told) form[at] = []; // what was asked earlier has no more say there
      else for (const [at, value] of own) if (form[at].includes(now[at])) form[at].push(value);
    }
    return own;
  }
  function setting(at, value, next) {
    const there = value === next && (!given.has(at) || given.get(at) === next);
    given.set(at, next);
    return there ? undefined : next;
  }
  const offered = ({ offers, most }, value) => (!offers || offers.includes(value)) && !(most < value);

  return { asked, answered };
})();
