"""What browsers and the console say to each other: cookies, forms, headers and the server that speaks HTTP."""
