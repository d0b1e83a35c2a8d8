// Serves /docs/ from /docs/index.html.
function handler(event) {
    const request = event.request;
    if (request.uri.endsWith('/')) {
        request.uri += 'index.html';
    }
    return request;
}
