document.title = "A dashboard for tests, running";
