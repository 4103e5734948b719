// Removes slashes at the end of a path: the gateway's routes end in none, and the path "/" is kept.
function handler(event) {
    var request = event.request;
    var end = request.uri.length;
    while (end > 1 && request.uri.charAt(end - 1) === '/') {
        end--;
    }
    request.uri = request.uri.substring(0, end);
    return request;
}
