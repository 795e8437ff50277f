-- Everything that operators and measurements ask of the mailbox, in one round trip.
-- Returns {time, the keeper's last sweep, counts, models}, and for each model {name,
-- people waiting, helpers waiting, when the oldest joined, running, announcements, paused}.
local function oldest(model)
  local first
  for _, line in ipairs({key('line', model), key('helpers', model)}) do
    for _, member in ipairs(redis.call('ZRANGE', line, 0, -1)) do
      -- Members begin with a number that counts up.
      if not first or member < first then first = member end
    end
  end
  return first and redis.call('HGET', key('reply', string.sub(first, 17)), 'queued') or ''
end

local running = {}
for _, id in ipairs(redis.call('ZRANGE', LEASES, 0, -1)) do
  local model = redis.call('HGET', key('reply', id), 'model')
  if model then running[model] = (running[model] or 0) + 1 end
end

local models = {}
for _, model in ipairs(redis.call('SMEMBERS', MODELS)) do
  models[#models + 1] = {model, redis.call('ZCARD', key('line', model)),
    redis.call('ZCARD', key('helpers', model)), oldest(model), running[model] or 0,
    redis.call('HVALS', key('workers', model)), redis.call('EXISTS', paused_key(model))}
end
return {stamp(), redis.call('GET', 'mailbox:keeper') or '', redis.call('HGETALL', COUNTS), models}
