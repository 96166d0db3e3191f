// Sends the page's one form. Coming back with the browser's Back button must not send it again,
// or the person could never leave: then the visible button decides.
(function () {
  "use strict";
  var entry = performance.getEntriesByType("navigation")[0];
  if (entry && entry.type === "back_forward") return;
  var form = document.getElementById("auto-post");
  // A field may be called "submit": take the method from the prototype.
  HTMLFormElement.prototype.submit.call(form);
})();
