// Shows and hides at once what the answers on this page lead to: questions of the form, and
// parts outside it (sections and papers in the list beside it), which start hidden where the
// server ruled them out. The server decides anyway and drops what is not asked; without this
// script everything that may be asked is shown.
"use strict";

(() => {
  // What stands outside the form turns on what is hidden in it, so it comes last.
  const inside = document.querySelectorAll("form [data-when]");
  const all = new Set([...inside, ...document.querySelectorAll("[data-when]")]);
  const parts = [...all].map((element) => ({
    element,
    section: element.dataset.section,
    when: JSON.parse(element.dataset.when),
    wasHidden: element.hidden,
    scope: element.closest("fieldset.mc-row, form") || document.querySelector("main form"),
  }));

  const answer = (part, path) => {
    const [section, ...rest] = path.split(".");
    if (section !== part.section || !part.scope) return undefined; // said on another page
    const name = rest.join(".");
    const inputs = [...part.scope.querySelectorAll("input, select, textarea")].filter(
      (input) => input.name === name || input.name.endsWith(`-${name}`),
    );
    if (!inputs.length) return undefined;
    if (inputs[0].closest("[data-when][hidden]")) return ""; // a hidden answer opens nothing
    if (inputs[0].type === "radio" || inputs[0].type === "checkbox") {
      return inputs.filter((input) => input.checked).map((input) => input.value);
    }
    return inputs[0].value.trim();
  };

  // The days since 1970 of 05/02/2026, 5-2-2026, 05022026 or 2026-02-05; NaN for anything else.
  const day = (text) => {
    const iso = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text);
    const typed =
      /^(\d{1,2})[\s/.-]+(\d{1,2})[\s/.-]+(\d{4})$/.exec(text) || /^(\d\d)(\d\d)(\d{4})$/.exec(text);
    const [year, month, date] = (iso ? iso.slice(1) : typed ? typed.slice(1).reverse() : []).map(Number);
    const found = new Date(Date.UTC(year, month - 1, date));
    return found.getUTCMonth() === month - 1 ? found.getTime() / 86400000 : NaN;
  };

  const age = (born, on) => {
    const [then, now] = [born, on].map((one) => new Date(one * 86400000));
    const early =
      now.getUTCMonth() * 31 + now.getUTCDate() < then.getUTCMonth() * 31 + then.getUTCDate();
    return now.getUTCFullYear() - then.getUTCFullYear() - (early ? 1 : 0);
  };

  // undefined: the server has it, or has to work it out.
  const call = (part, name, operands) => {
    const values = operands.map((one) => value(part, one));
    if (values.includes(undefined)) return undefined;
    if (values.includes("")) return "";
    const days = values.map(day);
    if (days.some(Number.isNaN)) return undefined;
    const today = Math.floor((Date.now() + 7 * 3600000) / 86400000); // in Việt Nam
    return String(name === "age" ? age(days[0], today) : days[1] - days[0]);
  };

  const value = (part, [kind, text, ...rest]) => {
    if (kind === "literal") return text;
    return kind === "call" ? call(part, text, rest) : answer(part, text);
  };

  const compare = (left, operator, right) => {
    if (operator === "!=") {
      const same = compare(left, "=", right);
      return same === undefined ? undefined : !same;
    }
    const texts = [left, right].map((one) => (Array.isArray(one) ? one : [one]));
    if (texts.some(([first]) => first === undefined || first === "")) return false;
    const isDays = texts.some(([first]) => /^\d{4}-\d\d-\d\d$/.test(first));
    const [low, high] = texts.map(([first]) => (isDays ? day(first) : Number(first.replace(/[.\s]/g, ""))));
    const areNumbers = !Number.isNaN(low) && !Number.isNaN(high);
    if (operator === "=") {
      if (isDays) return areNumbers ? low === high : undefined;
      return texts[0].some((one) => texts[1].includes(one));
    }
    if (!areNumbers) return undefined;
    return { ">": low > high, ">=": low >= high, "<": low < high, "<=": low <= high }[operator];
  };

  // undefined: it depends on another page, where the server has decided already.
  const holds = (part, [kind, text, ...inner]) => {
    if (kind === "fact") return text === "yes";
    if (kind === "compare") {
      const [left, right] = inner.map((one) => value(part, one));
      return left === undefined || right === undefined ? undefined : compare(left, text, right);
    }
    const truths = inner.map((one) => holds(part, one));
    if (kind === "not") return truths[0] === undefined ? undefined : !truths[0];
    const decisive = kind === "or";
    if (truths.includes(decisive)) return decisive;
    return truths.includes(undefined) ? undefined : !decisive;
  };

  const refresh = () => {
    for (const part of parts) {
      const verdict = holds(part, part.when);
      part.element.hidden = verdict === undefined ? part.wasHidden : !verdict;
    }
  };

  document.addEventListener("change", refresh);
  refresh();
})();
