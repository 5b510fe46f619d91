"use strict";

// The page of a transfer: copies what has to be typed, and loads itself anew when the bank
// has reported the money, since then the server leads elsewhere. Both work without it.
(() => {
  const notice = document.querySelector("[data-waits]");
  if (!notice) return;

  if (navigator.clipboard) {
    for (const text of document.querySelectorAll("[data-copied]")) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "btn btn-sm btn-outline-secondary mc-copy";
      button.textContent = notice.dataset.copy;
      button.setAttribute("aria-label", `${notice.dataset.copy}: ${text.textContent}`);
      button.addEventListener("click", async () => {
        await navigator.clipboard.writeText(text.textContent);
        button.textContent = notice.dataset.done;
      });
      text.after(" ", button);
    }
  }

  const until = Date.now() + 3600000;
  const timer = setInterval(async () => {
    if (document.hidden) return;
    if (Date.now() > until) clearInterval(timer);
    try {
      const answer = await fetch(location.href, { method: "HEAD", redirect: "manual" });
      if (answer.type === "opaqueredirect") location.reload();
    } catch {
      // No network for a moment: the next time tells.
    }
  }, 10000);
})();
