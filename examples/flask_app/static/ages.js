"use strict";

// Say how old each fragment is, and keep saying it.
function tellAges() {
  for (const age of document.querySelectorAll(".age")) {
    const seconds = Math.max(0, Date.now() / 1000 - Number(age.dataset.made));
    age.textContent = seconds < 1 ? "just now" : `${Math.floor(seconds)} s ago`;
  }
}

tellAges();
setInterval(tellAges, 1000);
