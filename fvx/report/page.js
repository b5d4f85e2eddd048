"use strict";
(() => {
  const audio = document.querySelector("audio");
  const time = document.querySelector(".time");
  if (!audio || !time) return;
  // A data address cannot be sought in by every browser; a blob can.
  const [head, body] = audio.src.split(",");
  const bytes = Uint8Array.from(atob(body), (c) => c.charCodeAt(0));
  audio.src = URL.createObjectURL(new Blob([bytes], { type: head.slice(5).split(";")[0] }));

  const length = Number(time.dataset.length);
  const marks = document.querySelectorAll(".head");
  let queue = [];  // spans still to be played, the present one first

  const show = () => {
    const now = Math.min(audio.currentTime, length);
    marks.forEach((mark) => { mark.style.left = `${(100 * now) / length}%`; });
    time.setAttribute("aria-valuenow", now.toFixed(1));
    time.setAttribute("aria-valuetext", `${now.toFixed(1)} of ${length.toFixed(1)} seconds`);
    if (queue.length && audio.currentTime >= queue[0][1]) {
      queue.shift();
      if (queue.length) audio.currentTime = queue[0][0];
      else audio.pause();
    }
  };
  const follow = () => { show(); if (!audio.paused) requestAnimationFrame(follow); };
  audio.addEventListener("play", follow);
  audio.addEventListener("seeked", show);
  audio.addEventListener("timeupdate", show);
  audio.addEventListener("ended", () => { queue = []; });

  const seek = (seconds) => { queue = []; audio.currentTime = Math.max(0, Math.min(seconds, length)); };
  const play = (spans) => {
    if (!spans.length) return;
    queue = spans.map((span) => [...span]);
    audio.currentTime = queue[0][0];
    audio.play();
  };
  time.addEventListener("click", (event) => {
    const box = time.getBoundingClientRect();
    seek((length * (event.clientX - box.left)) / box.width);
    audio.play();
  });
  time.addEventListener("keydown", (event) => {
    const steps = { ArrowLeft: -0.5, ArrowDown: -0.5, ArrowRight: 0.5, ArrowUp: 0.5, PageDown: -2, PageUp: 2 };
    if (event.key in steps) seek(audio.currentTime + steps[event.key]);
    else if (event.key === "Home") seek(0);
    else if (event.key === "End") seek(length);
    else if (event.key === " " || event.key === "Enter") { queue = []; if (audio.paused) audio.play(); else audio.pause(); }
    else return;
    event.preventDefault();
  });
  document.querySelectorAll("[data-play]").forEach((button) => {
    button.addEventListener("click", () => play(JSON.parse(button.dataset.play)));
  });
  // Paper cannot be unfolded: print the technical details too.
  window.addEventListener("beforeprint", () => {
    document.querySelectorAll("details.fold").forEach((one) => { one.open = true; });
  });
})();
