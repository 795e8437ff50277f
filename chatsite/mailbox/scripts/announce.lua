-- Keeps the announcement of a worker until it expires by the clock of the server. Returns
-- the order to this worker, or an empty text, and 1 if its model is paused.
local model, worker, text, seconds = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
redis.call('SADD', MODELS, model)
local said = redis.call('HGETALL', key('workers', model))
for i = 1, #said, 2 do
  -- What has no time counts as expired.
  if (tonumber(string.match(said[i + 1], '^%S+')) or 0) < now() then
    redis.call('HDEL', key('workers', model), said[i])
  end
end
redis.call('HSET', key('workers', model), worker, string.format('%.3f ', now() + seconds) .. text)
redis.call('EXPIRE', key('workers', model), 86400)
return {redis.call('GET', order_key(model, worker)) or '', redis.call('EXISTS', paused_key(model))}
