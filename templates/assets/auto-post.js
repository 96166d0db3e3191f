// Sends the page's one form. Coming back with the browser's Back button must not send it again,
// or the person could never leave: then the visible button decides.
(function () {
  "use strict";
  var form = document.getElementById("auto-post");
  var byHand = document.getElementById("by-hand") || form;
  window.addEventListener("pageshow", function (event) {
    if (event.persisted) byHand.classList.remove("later");
  });
  var entry = performance.getEntriesByType("navigation")[0];
  if (entry && entry.type === "back_forward") return;
  // What is on its way must not be sent twice: a sign-in is answered once.
  byHand.classList.add("later");
  // A field may be called "submit": take the method from the prototype.
  HTMLFormElement.prototype.submit.call(form);
})();
