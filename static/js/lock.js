"use strict";

// Locks the screen by Alt+L, and by itself where nobody touched it for a while. Somebody who
// types for long without sending is not away: the server hears of them now and then.
(() => {
  const form = document.getElementById("lock-form");
  if (!form) return;
  const idle = Number(form.dataset.minutes) * 60000;
  let touched = Date.now();
  let told = touched;

  const lock = () => form.requestSubmit();
  const tell = () => {
    told = Date.now();
    const body = new FormData(form);
    body.append("still_here", "1");
    fetch(form.action, { method: "POST", body: new URLSearchParams(body), redirect: "manual" });
  };
  const touch = () => { touched = Date.now(); };

  for (const kind of ["keydown", "pointerdown", "pointermove", "scroll"]) {
    addEventListener(kind, touch, { passive: true });
  }
  addEventListener("keydown", (event) => {
    if (event.altKey && !event.ctrlKey && event.code === "KeyL") {
      event.preventDefault();
      lock();
    }
  });
  if (idle) {
    setInterval(() => {
      if (Date.now() - touched > idle) lock();
      else if (touched > told && Date.now() - told > idle / 4) tell();
    }, 15000);
  }
})();
