// Hides at once the questions that the answers on this page do not lead to. The server
// decides anyway and drops what is not asked; without this script everything is shown.
"use strict";

(() => {
  const parts = [...document.querySelectorAll("[data-when]")];

  const answer = (part, path) => {
    const [section, ...rest] = path.split(".");
    if (section !== part.dataset.section) return undefined; // said on another page
    const row = part.closest("fieldset.mc-row, form");
    const name = rest.join(".");
    const inputs = [...row.querySelectorAll("input, select, textarea")].filter(
      (input) => input.name === name || input.name.endsWith(`-${name}`),
    );
    if (!inputs.length) return undefined;
    if (inputs[0].closest("[data-when][hidden]")) return ""; // a hidden answer opens nothing
    if (inputs[0].type === "radio" || inputs[0].type === "checkbox") {
      return inputs.filter((input) => input.checked).map((input) => input.value);
    }
    return inputs[0].value;
  };

  const value = (part, node) => (node[0] === "literal" ? node[1] : answer(part, node[1]));

  const compare = (left, operator, right) => {
    if (operator === "!=") return !compare(left, "=", right);
    if (operator === "=") return Array.isArray(left) ? left.includes(right) : left === right;
    if (left === "") return false;
    const [low, high] = [left, right].map((one) => Number([one].flat()[0].replace(/[.\s]/g, "")));
    if (Number.isNaN(low) || Number.isNaN(high)) return undefined; // dates are the server's
    return { ">": low > high, ">=": low >= high, "<": low < high, "<=": low <= high }[operator];
  };

  // undefined: it depends on another page, where the server has decided already.
  const holds = (part, node) => {
    const [kind, text, ...inner] = node;
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
    for (const part of parts) part.hidden = holds(part, JSON.parse(part.dataset.when)) === false;
  };

  document.addEventListener("change", refresh);
  refresh();
})();
