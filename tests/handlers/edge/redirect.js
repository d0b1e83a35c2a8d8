import cf from 'cloudfront';

async function handler(event) {
    const request = event.request;
    try {
        const target = await cf.kvs().get(request.uri);
        return { statusCode: 301, headers: { location: { value: target } } };
    } catch (error) {
        console.log(`no redirect for ${request.uri}: ${error}`);
        return request;
    }
}
