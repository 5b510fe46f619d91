// Sends each chosen file by itself, with its progress, and a photo smaller than it was taken:
// 4 MB take 80 seconds on a slow line. A file that does not arrive can be sent again without
// the others. Without this script the form sends the files when it is submitted.
"use strict";

(() => {
  const LONG_SIDE = 2400;
  const WORTH_SHRINKING = 600_000; // bytes
  const STALLED = 90_000; // ms without a byte
  const PAUSES = [3000, 8000, 20_000]; // ms before a busy server is asked again

  const shrunk = async (file) => {
    if (!/^image\//.test(file.type) || file.size < WORTH_SHRINKING) return file;
    try {
      const picture = await createImageBitmap(file, { imageOrientation: "from-image" });
      const scale = Math.min(1, LONG_SIDE / Math.max(picture.width, picture.height));
      const canvas = document.createElement("canvas");
      canvas.width = Math.round(picture.width * scale);
      canvas.height = Math.round(picture.height * scale);
      const context = canvas.getContext("2d");
      context.fillStyle = "#fff"; // what a PNG leaves open
      context.fillRect(0, 0, canvas.width, canvas.height);
      context.drawImage(picture, 0, 0, canvas.width, canvas.height);
      picture.close();
      const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.85));
      return blob && blob.size < file.size ? blob : file;
    } catch {
      return file; // one that this browser cannot read is the server's
    }
  };

  const send = (form, name, blob, fileName, onProgress) =>
    new Promise((done) => {
      const request = new XMLHttpRequest();
      let watch;
      const wait = () => {
        clearTimeout(watch);
        watch = setTimeout(() => request.abort(), STALLED);
      };
      const data = new FormData();
      data.append("csrfmiddlewaretoken", form.querySelector("[name=csrfmiddlewaretoken]").value);
      data.append("document", name);
      data.append("file", blob, fileName);
      request.open("POST", form.dataset.uploadUrl);
      request.upload.onprogress = (event) => {
        wait();
        if (event.lengthComputable) onProgress(Math.floor((100 * event.loaded) / event.total));
      };
      request.onloadend = () => {
        clearTimeout(watch);
        let answer = {};
        try {
          answer = JSON.parse(request.responseText);
        } catch {
          // A proxy's page, or nothing at all.
        }
        done({ status: request.status, answer });
      };
      wait();
      request.send(data);
    });

  for (const form of document.querySelectorAll("form[data-upload-url]")) {
    const waiting = [];
    let isSending = false;
    let submitter = null; // the button that waits for the files
    const isBusy = () => isSending || waiting.length > 0;

    const next = async () => {
      if (isSending) return;
      const upload = waiting.shift();
      if (upload) {
        isSending = true;
        await upload();
        isSending = false;
        next();
      } else if (submitter) {
        const button = submitter;
        submitter = null;
        const left = form.querySelector("[data-upload-list] [data-retry]:not([hidden])");
        if (left) left.focus();
        else form.requestSubmit(button.form ? button : undefined);
      }
    };

    const prepare = (field) => {
      const input = field.querySelector("input[type=file]");
      const kept = field.querySelector("[data-upload-kept]");
      const list = field.querySelector("[data-upload-list]");
      const status = field.querySelector("[data-upload-status]");
      const template = field.querySelector("template");
      const words = template.dataset;

      const showKept = (html) => {
        const part = document.createElement("template");
        part.innerHTML = html;
        const forms = document.querySelector("[data-remove-forms]");
        for (const one of part.content.querySelectorAll("form")) {
          if (forms && !document.getElementById(one.id)) forms.append(one);
        }
        part.content.querySelector("[data-remove-forms]")?.remove();
        kept.replaceChildren(part.content);
      };

      const add = (file) => {
        const item = template.content.firstElementChild.cloneNode(true);
        const said = item.querySelector(".mc-files-meta");
        const bar = item.querySelector("progress");
        const [retry, drop] = [item.querySelector("[data-retry]"), item.querySelector("[data-drop]")];
        item.querySelector(".mc-files-name").textContent = file.name;
        list.append(item);
        list.hidden = false;
        let smaller;
        let tries = 0;

        const show = (text, isLoud) => {
          said.textContent = text;
          if (isLoud) status.textContent = `${file.name}: ${text}`;
        };
        const leave = () => {
          item.remove();
          list.hidden = !list.children.length;
        };
        const fail = (text, canRetry) => {
          show(text, true);
          item.classList.add("mc-uploads-failed");
          bar.hidden = true;
          retry.hidden = !canRetry;
          drop.hidden = false;
          submitter = null;
        };
        const progress = (percent) => {
          bar.value = percent;
          show(percent < 100 ? words.sending.replace("%s", percent) : words.checking);
        };
        const upload = async () => {
          item.classList.remove("mc-uploads-failed");
          bar.hidden = false;
          retry.hidden = drop.hidden = true;
          progress(0);
          smaller ??= await shrunk(file);
          const { status: code, answer } = await send(form, input.name, smaller, file.name, progress);
          if (code === 200) {
            showKept(answer.html);
            show(words.done, true);
            leave();
          } else if (code === 503 && tries < PAUSES.length) {
            show(answer.error || words.busy, true);
            await new Promise((done) => setTimeout(done, PAUSES[tries++]));
            await upload();
          } else if (code === 401 || code === 403) {
            fail(answer.error || words.ended, true);
          } else {
            fail(answer.error || words.broken, !(code === 422 && answer.error));
          }
        };
        const queue = () => {
          tries = 0;
          show(words.waiting);
          waiting.push(upload);
          next();
        };
        retry.addEventListener("click", queue);
        drop.addEventListener("click", () => {
          leave();
          input.focus();
        });
        queue();
      };

      const take = () => {
        for (const file of [...input.files]) add(file);
        input.value = ""; // what is on its way is not sent with the form again
      };
      input.addEventListener("change", take);
      take(); // what was chosen before this script was there
    };

    form.querySelectorAll("[data-upload-field]").forEach(prepare);
    const sendAll = form.querySelector("button[name=add]");
    if (sendAll) sendAll.hidden = true; // they are on their way as soon as they are chosen
    form.addEventListener("submit", (event) => {
      if (!isBusy()) return;
      event.preventDefault();
      submitter = event.submitter || form;
      const field = form.querySelector("[data-upload-list]:not([hidden])").parentElement;
      const note = field.querySelector("[data-upload-status]");
      note.textContent = field.querySelector("template").dataset.leaving;
      note.classList.remove("visually-hidden");
    });
    addEventListener("beforeunload", (event) => {
      if (isBusy()) event.preventDefault();
    });
  }
})();
