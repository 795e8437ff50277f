-- Gives entries to another owner, with their places in line and their text. From then on
-- only the new owner can read them. ARGV: new owner, their share, then ids. May be
-- repeated.
local owner, share_of_people = ARGV[1], ARGV[2]
local moved = 0
for i = 3, #ARGV do
  local id = ARGV[i]
  local got = redis.call('HMGET', key('reply', id), 'owner', 'share', 'model', 'state', 'member', 'tag', 'kind')
  -- Helper jobs have a share of their own.
  local share = share_of_people .. (got[7] == 'helper' and ':helper' or '')
  if got[1] and got[1] ~= owner then
    redis.call('HSET', key('reply', id), 'owner', owner, 'share', share)
    local has_place = got[2] and got[3] and got[5] and number(got[6])
    if has_place and got[4] == 'queued' then
      redis.call('SREM', queue_of(got[3], got[2]), got[5])
      redis.call('SADD', queue_of(got[3], share), got[5])
    end
    -- Further replies of the new share come after those that it was given.
    if has_place and got[4] ~= 'ended' then redis.call('ZADD', key('tags', got[3]), 'GT', got[6], share) end
    touch(got[1])
    moved = moved + 1
  end
end
if moved > 0 then touch(owner) end
return moved
